"""Which endpoints are asked for one call, and in what order: fallbacks, cascades, limits, and endpoints that rest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Code, Fault, ProblemError
from services.models.base import AnswerRejected
from services.models.client import ModelClient
from services.settings import Settings
from tests.services.models.conftest import ask
from tests.services.models.endpoint import (
    OPEN_STREAM,
    RawEndpoint,
    Reply,
    answer,
    chunk,
    events,
    http,
    piece,
    problem,
    stream,
    usage,
)

Make = Callable[..., ModelClient]
HALF = OPEN_STREAM + piece(events(chunk("Once upon")))


class Time:
    """A clock that only sleeping moves."""

    now = 1_000.0

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def second() -> AsyncIterator[RawEndpoint]:
    async with RawEndpoint() as endpoint:
        endpoint.reply = answer("From the second")
        yield endpoint


@pytest.fixture
async def make(tmp_path: Path, endpoint: RawEndpoint, second: RawEndpoint, time: Time) -> AsyncIterator[Make]:
    """A client whose models `one` and `two` are at the two endpoints; more as given."""
    clients: list[ModelClient] = []
    places = (1, endpoint), (2, second)

    def make(models: dict[str, Any] | None = None, **one: Any) -> ModelClient:
        at = [{"provider": "compatible", "model": f"m{n}", "base_url": f"{e.origin}/v1"} for n, e in places]
        file = tmp_path / "models.yaml"
        file.write_text(json.dumps({"models": {"one": {**at[0], **one}, "two": at[1], **(models or {})}}))
        settings = Settings.from_environment({"MODELS_FILE": str(file)})
        clients.append(ModelClient(settings, clock=time, sleep=time.sleep))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def failed(client: ModelClient, alias: str = "one", **fields: Any) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await client.complete(ask(alias=alias, **fields))
    return caught.value


async def hung_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


class TestFallback:
    @pytest.mark.parametrize(
        ("reply", "code"),
        [
            (problem(429), Code.MODEL_RATE_LIMITED),
            (problem(429, code="insufficient_quota"), Code.MODEL_REFUSED),
            (problem(500), Code.MODEL_UNREACHABLE),
            (problem(503), Code.MODEL_UNREACHABLE),
            (http(502, "<html>", "text/html"), Code.MODEL_UNREACHABLE),
            (hung_up, Code.MODEL_UNREACHABLE),
        ],
    )
    async def test_one_that_is_down_or_throttled(
        self, endpoint: RawEndpoint, make: Make, reply: Reply, code: Code
    ) -> None:
        endpoint.reply = reply
        shown: list[str] = []
        got = await make(fallback=["two"]).complete(ask(alias="one"), shown.append)
        assert (got.text, got.alias, shown) == ("From the second", "two", ["From the second"])
        assert [(passed.alias, passed.code) for passed in got.passed_over] == [("one", code)]
        assert len(endpoint.received) == 1

    async def test_the_same_request_is_sent_with_the_same_key(
        self, endpoint: RawEndpoint, second: RawEndpoint, make: Make
    ) -> None:
        endpoint.reply = problem(503)
        await make(fallback=["two"]).complete(ask(alias="one"))
        sent, again = endpoint.received[0], second.received[0]
        assert (sent.body["model"], again.body["model"]) == ("m1", "m2")
        assert sent.body["messages"] == again.body["messages"]
        assert sent.headers["idempotency-key"] == again.headers["idempotency-key"]

    @pytest.mark.parametrize(
        "reply",
        [
            problem(400),
            problem(401),
            problem(404),
            HALF,  # perhaps billed
            stream(chunk("")),
            stream(chunk("x"), {"error": {"message": "overloaded", "code": 503}}),
            stream(chunk(finish="content_filter")),
        ],
    )
    async def test_what_was_taken_or_refused_is_not_asked_elsewhere(
        self, endpoint: RawEndpoint, second: RawEndpoint, make: Make, reply: Reply
    ) -> None:
        endpoint.reply = reply
        await failed(make(fallback=["two"]))
        assert second.received == []

    async def test_one_that_is_late_may_be_at_work(
        self, endpoint: RawEndpoint, second: RawEndpoint, make: Make
    ) -> None:
        async def hang(_: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        endpoint.reply = hang
        found = await failed(make(fallback=["two"], timeout="PT0.3S"), timeout=None)
        assert (found.problem.code, second.received) == (Code.MODEL_UNREACHABLE, [])

    async def test_when_all_are_down_each_is_told_of(
        self, endpoint: RawEndpoint, second: RawEndpoint, make: Make
    ) -> None:
        endpoint.reply = problem(429, Retry_After="30")
        second.reply = problem(503, Retry_After="5")
        found = (await failed(make(fallback=["two"]))).problem
        assert (found.code, found.retryable, found.retry_after) == (Code.MODEL_RATE_LIMITED, True, 5)
        assert "429" in found.message
        assert "`two`" in found.message
        assert "503" in found.message

    async def test_an_answer_that_does_not_fit_tells_who_gave_it(
        self, endpoint: RawEndpoint, second: RawEndpoint, make: Make
    ) -> None:
        endpoint.reply = problem(503)
        second.reply = answer("not JSON")
        with pytest.raises(AnswerRejected) as caught:
            await make(fallback=["two"]).complete(ask(alias="one", response_schema={"type": "object"}))
        assert caught.value.answer.alias == "two"
        assert [passed.alias for passed in caught.value.answer.passed_over] == ["one"]


ACCEPT = "size(text) > 5 && finish_reason == 'stop'"
BOTH = {"both": {"cascade": {"first": "one", "accept": ACCEPT, "then": "two"}}}


class TestCascade:
    async def test_a_cheap_answer_that_is_good_enough(
        self, endpoint: RawEndpoint, second: RawEndpoint, make: Make
    ) -> None:
        endpoint.reply = answer("Good enough")
        got = await make(BOTH).complete(ask(alias="both"))
        assert (got.text, got.alias, second.received) == ("Good enough", "one", [])

    @pytest.mark.parametrize(
        ("reply", "fields"),
        [
            (answer("No"), {}),
            (answer("Long enough, but", "length"), {}),
            (answer("not JSON"), {"response_schema": {"type": "object"}}),
            (answer('{"a": ', "length"), {"response_schema": {"type": "object"}}),
        ],
    )
    async def test_one_that_is_not_is_handed_over_to_be_recorded_first(
        self, endpoint: RawEndpoint, second: RawEndpoint, make: Make, reply: Reply, fields: dict[str, Any]
    ) -> None:
        endpoint.reply, client = reply, make(BOTH)
        with pytest.raises(AnswerRejected) as caught:
            await client.complete(ask(alias="both", **fields))
        assert caught.value.problem.code is Code.MODEL_NOT_ACCEPTED
        assert (caught.value.answer.alias, caught.value.answer.tokens_out, second.received) == ("one", 5, [])
        assert "`one`" in caught.value.problem.message
        second.reply = answer('{"a": 1}')
        got = await client.complete(ask(alias="both", escalated=True, **fields))
        assert (got.alias, len(endpoint.received)) == ("two", 1)

    async def test_a_schema_of_what_is_accepted(self, endpoint: RawEndpoint, make: Make) -> None:
        cascade = {
            "first": "one",
            "accept_schema": {"required": ["sure"]},
            "accept": "answer.sure > 0.5",
            "then": "two",
        }
        client = make({"both": {"cascade": cascade}})
        for text, accepted in (
            ('{"sure": 0.9}', True),
            ('{"sure": 0.1}', False),
            ('{"sure": "very"}', False),
            ('{"other": 1}', False),
        ):
            endpoint.reply = answer(text)
            asking = client.complete(ask(alias="both", response_schema={"type": "object"}))
            if accepted:
                assert (await asking).alias == "one"
            else:
                with pytest.raises(AnswerRejected):
                    await asking

    async def test_calls_of_tools_are_no_answer_yet(self, endpoint: RawEndpoint, make: Make) -> None:
        call = {"index": 0, "id": "a", "function": {"name": "t", "arguments": "{}"}}
        endpoint.reply = stream(chunk(tool_calls=[call]), chunk(finish="tool_calls"))
        got = await make(BOTH).complete(ask(alias="both", tools=[{"name": "t", "parameters": {}}]))
        assert [asked.name for asked in got.tool_calls] == ["t"]

    async def test_when_the_cheap_one_is_down_the_other_is_asked_at_once(
        self, endpoint: RawEndpoint, make: Make
    ) -> None:
        endpoint.reply = problem(503)
        got = await make(BOTH).complete(ask(alias="both"))
        assert (got.alias, [passed.alias for passed in got.passed_over]) == ("two", ["one"])

    def test_as_the_default_it_goes_by_both_names(self, make: Make) -> None:
        client = make({"default": BOTH["both"]})
        assert (client.name, client.provider) == ("one, then two", "compatible")

    async def test_what_it_costs_is_what_the_dearer_costs(self, make: Make) -> None:
        prices = {"one": {"input": 1, "output": 1}, "two": {"input": 2, "output": 8}}
        models = {
            name: {"provider": "compatible", "model": name, "base_url": "http://x/v1", "prices": price}
            for name, price in prices.items()
        }
        client = make({**models, **BOTH})
        assert client.cost("both", 1_000_000, 1_000_000) == 10
        price = client.price("both")
        assert price is not None
        assert (str(price.prices.output), price.source) == ("8", "alias")
        assert client.cost("nobody", 1, 1) is None


class TestResting:
    async def test_it_is_not_asked_before_it_said(self, endpoint: RawEndpoint, make: Make, time: Time) -> None:
        client = make()
        endpoint.reply = problem(429, Retry_After="20")
        await failed(client)
        time.now += 5
        again = (await failed(client)).problem
        assert (again.code, again.retry_after, again.retryable, len(endpoint.received)) == (
            Code.MODEL_RATE_LIMITED,
            15,
            True,
            1,
        )
        time.now += 15
        endpoint.reply = answer()
        assert (await client.complete(ask(alias="one"))).text == "Hello"

    async def test_its_fallback_is_asked_meanwhile(
        self, endpoint: RawEndpoint, second: RawEndpoint, make: Make
    ) -> None:
        client = make(fallback=["two"])
        endpoint.reply = problem(503, Retry_After="20")
        for _ in range(3):
            assert (await client.complete(ask(alias="one"))).alias == "two"
        assert (len(endpoint.received), len(second.received)) == (1, 3)

    async def test_another_alias_of_the_same_model_rests_too_and_another_model_does_not(
        self, endpoint: RawEndpoint, make: Make
    ) -> None:
        at = {"provider": "compatible", "base_url": f"{endpoint.origin}/v1"}
        client = make({"same": {**at, "model": "m1"}, "other": {**at, "model": "m3"}})
        endpoint.reply = problem(429, Retry_After="20")
        await failed(client)
        await failed(client, "same")
        assert len(endpoint.received) == 1
        endpoint.reply = answer()
        assert (await client.complete(ask(alias="other"))).text == "Hello"

    async def test_those_that_waited_for_a_place_do_not_ask_either(self, endpoint: RawEndpoint, make: Make) -> None:
        client = make(max_concurrency=1)
        endpoint.reply = problem(429, Retry_After="20")
        found = await asyncio.gather(*(failed(client) for _ in range(5)))
        assert {error.problem.code for error in found} == {Code.MODEL_RATE_LIMITED}
        assert len(endpoint.received) == 1

    async def test_without_a_time_it_may_be_asked_again(self, endpoint: RawEndpoint, make: Make) -> None:
        client = make()
        endpoint.reply = problem(429)
        await failed(client)
        await failed(client)
        assert len(endpoint.received) == 2


class TestLimits:
    async def test_requests_a_minute(self, endpoint: RawEndpoint, make: Make, time: Time) -> None:
        endpoint.reply = answer()
        client = make(requests_per_minute=30)
        for _ in range(32):
            await client.complete(ask(alias="one"))
        assert time.slept == [2, 2]

    async def test_tokens_a_minute_by_what_was_used_in_the_end(
        self, endpoint: RawEndpoint, make: Make, time: Time
    ) -> None:
        endpoint.reply = answer()  # 15 tokens, of the 600 that it might have had
        client = make(tokens_per_minute=1_200)
        for _ in range(20):
            await client.complete(ask(alias="one", max_output_tokens=600))
        assert time.slept == []
        endpoint.reply = stream(chunk("x", finish="stop"), usage(1_000, 5))
        await client.complete(ask(alias="one", max_output_tokens=600))
        await client.complete(ask(alias="one", max_output_tokens=1))
        assert sum(time.slept) > 0

    async def test_one_that_would_wait_too_long_gives_its_turn_back(
        self, endpoint: RawEndpoint, second: RawEndpoint, make: Make, time: Time
    ) -> None:
        endpoint.reply = answer()
        client = make(requests_per_minute=1)
        await client.complete(ask(alias="one"))
        found = (await failed(client)).problem
        assert (found.code, found.fault, found.retry_after) == (Code.MODEL_RATE_LIMITED, Fault.PLATFORM, 60)
        time.now += 60
        assert (await client.complete(ask(alias="one"))).text == "Hello"
        assert second.received == []

    async def test_its_fallback_need_not_wait(self, endpoint: RawEndpoint, make: Make) -> None:
        endpoint.reply = answer()
        client = make(requests_per_minute=1, fallback=["two"])
        assert [(await client.complete(ask(alias="one"))).alias for _ in range(3)] == ["one", "two", "two"]

    async def test_what_was_not_taken_used_no_tokens(self, endpoint: RawEndpoint, make: Make, time: Time) -> None:
        client = make(tokens_per_minute=1_000)
        endpoint.reply = problem(503)
        for _ in range(5):
            await failed(client, max_output_tokens=900)
        assert (len(endpoint.received), time.slept) == (5, [])

    async def test_no_more_at_once_than_the_alias_may_have(self, endpoint: RawEndpoint, make: Make) -> None:
        async def after_a_while(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.05)  # long enough for all, were they let in, to be open at once
            writer.write(answer())
            await writer.drain()

        endpoint.reply = after_a_while
        client = make(max_concurrency=2)
        await asyncio.gather(*(client.complete(ask(alias="one")) for _ in range(6)))
        assert endpoint.most_open == 2
