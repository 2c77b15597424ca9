"""Everything an endpoint may do, one row each: what the stock client makes of it, what we do, whose move it is.

The stub speaks OpenAI's protocol; the bytes of endpoints that do not are in test_failures.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import openai
import pytest

from domain.errors import Code, Fault, ProblemError
from domain.toolcalls import AskedTool
from meta_agents.testing import MODEL, ModelStub
from meta_agents.testing.control import MODES
from services.models.base import AnswerRejected
from services.models.client import ModelClient
from services.models.problems import Unserved
from services.settings import Settings
from tests.services.models.conftest import ask

SAID = "One two three four."
VERDICT = {"type": "object", "properties": {"good": {"type": "boolean"}}, "required": ["good"]}
TOOLS = [{"name": name, "parameters": {"type": "object"}} for name in ("weather", "time")]


class Row(NamedTuple):
    """`stock`: what the client raises, None if it takes it for an answer. `code` None: it is an answer.

    `taken`: the endpoint took the request, so that another is not asked at once. `billed`: its tokens are counted.
    """

    stock: type[Exception] | None
    code: Code | None
    fault: Fault | None = None
    retryable: bool = False
    taken: bool = True
    billed: bool = False
    asked: dict[str, Any] = {}  # noqa: RUF012 - never changed


SCHEMA = {"response_schema": VERDICT}
ROWS: dict[str, Row] = {
    "ok": Row(None, None, billed=True),
    "down": Row(openai.InternalServerError, Code.MODEL_UNREACHABLE, Fault.MODEL, True, taken=False),
    "error": Row(openai.InternalServerError, Code.MODEL_UNREACHABLE, Fault.MODEL, True, taken=False),
    "unauthorized": Row(openai.AuthenticationError, Code.MODEL_REFUSED, Fault.PLATFORM),
    "not_found": Row(openai.NotFoundError, Code.MODEL_REFUSED, Fault.PLATFORM),
    "rate_limit": Row(openai.RateLimitError, Code.MODEL_RATE_LIMITED, Fault.MODEL, True, taken=False),
    "content_filter": Row(openai.BadRequestError, Code.MODEL_REFUSED, Fault.AUTHOR),
    "filtered": Row(None, Code.MODEL_REFUSED, Fault.AUTHOR),
    "refusal": Row(None, Code.MODEL_REFUSED, Fault.AUTHOR),
    "garbage": Row(ValueError, Code.MODEL_BAD_ANSWER, Fault.MODEL, True),
    "bad_json": Row(None, Code.MODEL_BAD_ANSWER, Fault.MODEL, True, billed=True, asked=SCHEMA),
    "slow": Row(openai.APITimeoutError, Code.MODEL_UNREACHABLE, Fault.MODEL, True),
    "cut_off": Row(openai.APIConnectionError, Code.MODEL_BAD_ANSWER, Fault.MODEL, True),
    "stall": Row(openai.APITimeoutError, None, billed=True),
    "length": Row(None, None, billed=True),
}


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelStub]:
    with ModelStub(tmp_path_factory.mktemp("stub") / "model.jsonl") as stub:
        yield stub


@pytest.fixture
async def client(stub: ModelStub) -> AsyncIterator[ModelClient]:
    client = ModelClient(Settings.from_environment(stub.environment()))
    yield client
    await client.close()


def test_no_behaviour_of_the_stub_is_left_out() -> None:
    assert set(ROWS) == set(MODES)


@pytest.mark.parametrize("mode", ROWS)
async def test_what_the_stock_client_makes_of_it(stub: ModelStub, mode: str) -> None:
    row = ROWS[mode]
    control(stub, mode)
    found: Exception | None = None
    async with openai.AsyncOpenAI(base_url=stub.base_url, api_key="k", max_retries=0, timeout=0.5) as stock:
        try:
            stream = await stock.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": "Hi"}], stream=True
            )
            async with stream:
                async for _ in stream:
                    pass
        except (openai.APIError, ValueError) as error:
            found = error
    assert found is None if row.stock is None else isinstance(found, row.stock), repr(found)


@pytest.mark.parametrize("mode", ROWS)
async def test_what_becomes_of_it_and_whose_move_it_is(stub: ModelStub, client: ModelClient, mode: str) -> None:
    row = ROWS[mode]
    control(stub, mode)
    try:
        answer = await client.complete(ask(timeout=0.5 if mode in ("slow", "stall") else 20, **row.asked))
    except AnswerRejected as error:
        problem, answered, taken = error.problem, error.answer, True
        assert answered.tokens_out > 0
        assert row.billed
    except ProblemError as error:
        problem, taken = error.problem, not isinstance(error, Unserved)
        assert not row.billed
    else:
        assert (row.code, row.billed, answer.tokens_out > 0) == (None, True, True)
        assert answer.finish_reason == ("length" if mode == "length" else "stop")
        return
    assert (problem.code, problem.fault, problem.retryable, taken) == (row.code, row.fault, row.retryable, row.taken)
    assert problem.action


def control(stub: ModelStub, mode: str) -> None:
    answers = [{"good": True}] if mode == "bad_json" else [SAID]
    stub.control(mode, answers=answers, delay=5)  # type: ignore[arg-type]


async def test_a_stream_with_its_usage(stub: ModelStub, client: ModelClient) -> None:
    stub.control(answers=[SAID])
    pieces: list[str] = []
    answer = await client.complete(ask(), pieces.append)
    assert ("".join(pieces), len(pieces)) == (SAID, 4)
    assert (answer.text, answer.tokens_in, answer.tokens_out) == (SAID, 1, 4)


async def test_tool_calls_side_by_side_and_then_their_results(stub: ModelStub, client: ModelClient) -> None:
    calls = [
        {"name": "weather", "arguments": {"city": "a long enough name of a city to come in pieces"}},
        {"name": "time", "arguments": {}},
    ]
    stub.control(answers=[{"tool_calls": calls}, "Rain at noon."])
    first = await client.complete(ask(tools=TOOLS))
    assert [(call.name, call.arguments) for call in first.tool_calls] == [
        (call["name"], call["arguments"]) for call in calls
    ]
    assert (first.finish_reason, first.value) == ("tool_calls", None)
    results = [{"role": "tool", "tool_call_id": call.id, "content": "ok"} for call in first.tool_calls]
    messages = [{"role": "user", "content": "Hi"}, said(first.tool_calls), *results]
    second = await client.complete(ask(tools=TOOLS, messages=messages))
    assert (second.text, second.tool_calls) == ("Rain at noon.", ())


async def test_a_length_stop_where_a_schema_was_asked_is_the_authors(stub: ModelStub, client: ModelClient) -> None:
    stub.control("length")
    with pytest.raises(AnswerRejected) as caught:
        await client.complete(ask(response_schema=VERDICT))
    assert (caught.value.problem.code, caught.value.problem.fault) == (Code.MODEL_CUT_OFF, Fault.AUTHOR)
    assert caught.value.answer.finish_reason == "length"


async def test_two_hundred_at_once_get_each_their_own(stub: ModelStub, client: ModelClient) -> None:
    stub.control()
    asked = [ask(messages=[{"role": "user", "content": f"[[stub:say {number}]]"}]) for number in range(200)]
    answers = await asyncio.gather(*map(client.complete, asked))
    assert [answer.text for answer in answers] == [str(number) for number in range(200)]


def said(calls: tuple[AskedTool, ...]) -> dict[str, Any]:
    made = [{"id": call.id, "type": "function", "function": {"name": call.name, "arguments": "{}"}} for call in calls]
    return {"role": "assistant", "content": None, "tool_calls": made}
