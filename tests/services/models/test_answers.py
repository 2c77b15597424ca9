"""What a well-behaved endpoint is sent, and what is made of its answers."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from domain.errors import Code, ProblemError
from meta_agents.testing import ModelStub
from services.entra import NoToken
from services.models.client import ModelClient
from services.settings import Settings
from tests.services.models.conftest import SECRET, MakeClient, ask
from tests.services.models.endpoint import (
    OPEN_STREAM,
    RawEndpoint,
    Reply,
    answer,
    chunk,
    events,
    piece,
    stream,
    usage,
)


async def test_an_answer_and_its_pieces(endpoint: RawEndpoint, client: ModelClient) -> None:
    endpoint.reply = stream(chunk("", role="assistant"), chunk("Hel"), chunk("lo"), chunk(finish="stop"), usage(10, 5))
    pieces: list[str] = []
    got = await client.complete(ask(), pieces.append)
    assert (got.text, got.value, pieces) == ("Hello", "Hello", ["Hel", "lo"])
    assert (got.model, got.tokens_in, got.tokens_out, got.finish_reason) == ("served-model", 10, 5, "stop")
    assert got.cost_usd is None


async def test_what_is_sent(endpoint: RawEndpoint, client: ModelClient) -> None:
    endpoint.reply = answer()
    await client.complete(ask(temperature=0, max_output_tokens=77, idempotency_key="exec:debate/turn[3]"))
    [sent] = endpoint.received
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["idempotency-key"] == "exec:debate/turn[3]"
    assert sent.headers["authorization"] == f"Bearer {SECRET}"
    assert sent.body == {
        "model": "asked-model",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0,
        "max_tokens": 77,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_an_unset_temperature_is_not_sent(endpoint: RawEndpoint, client: ModelClient) -> None:
    endpoint.reply = answer()
    await client.complete(ask())
    assert "temperature" not in endpoint.received[0].body


async def test_pieces_come_as_they_are_sent_and_may_be_awaited(endpoint: RawEndpoint, client: ModelClient) -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        writer.write(OPEN_STREAM + piece(events(chunk("first"))))
        assert await seen.get() == "first"  # the second is not sent before the first was shown
        writer.write(piece(events(chunk("second"), chunk(finish="stop"))) + piece(b""))
        await writer.drain()

    endpoint.reply = slowly
    assert (await client.complete(ask(), seen.put)).text == "firstsecond"


async def test_without_usage_nothing_is_made_up(endpoint: RawEndpoint, make_client: MakeClient) -> None:
    client = make_client(endpoint, MODEL_PRICES='{"asked-model": ["1", "1"]}')
    endpoint.reply = stream(chunk("Hi", finish="stop"))
    got = await client.complete(ask())
    assert (got.tokens_in, got.tokens_out, got.cost_usd) == (0, 0, None)


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ('{"asked-model": ["0.40", "1.60"]}', Decimal("0.000012")),
        ('{"served-model": [0.4, 1.6]}', Decimal("0.000012")),
        ('{"asked-model": ["0", "0"]}', Decimal(0)),
        ('{"another": ["1", "1"]}', None),
    ],
)
async def test_cost(endpoint: RawEndpoint, make_client: MakeClient, prices: str, cost: Decimal | None) -> None:
    endpoint.reply = answer()
    assert (await make_client(endpoint, MODEL_PRICES=prices).complete(ask())).cost_usd == cost


async def test_a_long_answer_is_accepted_where_no_schema_was_asked(endpoint: RawEndpoint, client: ModelClient) -> None:
    endpoint.reply = answer("Once upon a", finish="length")
    got = await client.complete(ask())
    assert (got.text, got.finish_reason) == ("Once upon a", "length")


async def no_end(writer: asyncio.StreamWriter) -> None:
    writer.write(OPEN_STREAM + piece(events(chunk("Hello"), chunk(finish="stop"), usage(10, 5))))
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("reply", "tokens"),
    [
        (OPEN_STREAM + piece(events(chunk("Hello"), chunk(finish="stop"), usage(10, 5))), 5),
        (OPEN_STREAM + piece(events(chunk("Hello"), chunk(finish="stop"))), 0),
        (stream(chunk("Hello"), chunk(finish="stop"), usage(10, 5), {"error": {"message": "late"}}, done=False), 5),
        (no_end, 5),
    ],
)
async def test_an_answer_that_is_complete_is_kept_however_its_stream_ends(
    endpoint: RawEndpoint, client: ModelClient, reply: Reply, tokens: int
) -> None:
    endpoint.reply = reply
    got = await client.complete(ask(timeout=0.5))
    assert (got.text, got.tokens_out, got.finish_reason) == ("Hello", tokens, "stop")


@pytest.mark.parametrize("pieces", [["🚀"], ["\ud83d", "\ude80"], ["\ud83d", "\ude80", ""], ["\ud83d\ude80"]])
async def test_characters_sent_in_halves_are_put_together(
    endpoint: RawEndpoint, client: ModelClient, pieces: list[str]
) -> None:
    endpoint.reply = stream(*map(chunk, pieces), chunk("!", finish="stop"))
    shown: list[str] = []
    assert (await client.complete(ask(), shown.append)).text == "🚀!" == "".join(shown)
    assert all(text.encode() for text in shown)


async def test_halves_without_the_other_do_no_harm(endpoint: RawEndpoint, client: ModelClient) -> None:
    endpoint.reply = stream(chunk("a\ud83db\ude80"), chunk("c\ud83d", finish="stop"))
    got = await client.complete(ask(messages=[{"role": "user", "content": "\ud800?"}]))
    assert got.text == "a\ufffdb\ufffdc"
    assert endpoint.received[0].body["messages"][0]["content"] == "\ufffd?"


async def test_no_more_calls_at_once_than_allowed(endpoint: RawEndpoint, make_client: MakeClient) -> None:
    client = make_client(endpoint, MODEL_CONCURRENCY="2")

    async def after_a_while(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)  # long enough for all, were they let in, to be open at once
        writer.write(answer())
        await writer.drain()

    endpoint.reply = after_a_while
    answers = await asyncio.gather(*(client.complete(ask()) for _ in range(9)))
    assert len(answers) == 9
    assert endpoint.most_open == 2


async def test_waiting_for_a_place_does_not_count_as_the_models_time(
    endpoint: RawEndpoint, make_client: MakeClient
) -> None:
    client, go_on = make_client(endpoint, MODEL_CONCURRENCY="1"), asyncio.Event()

    async def when_told(writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        writer.write(answer())
        await writer.drain()

    endpoint.reply = when_told
    first = asyncio.create_task(client.complete(ask(timeout=30)))
    second = asyncio.create_task(client.complete(ask(timeout=1)))
    done, _ = await asyncio.wait([first, second], timeout=1.1)
    assert not done
    go_on.set()
    assert [(await call).text for call in (first, second)] == ["Hello", "Hello"]


async def test_canceling_hangs_up_and_frees_the_place(endpoint: RawEndpoint, make_client: MakeClient) -> None:
    client = make_client(endpoint, MODEL_CONCURRENCY="1")
    shown = asyncio.Event()

    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(OPEN_STREAM + piece(events(chunk("half"))))
        await asyncio.Event().wait()

    endpoint.reply = half
    calling = asyncio.create_task(client.complete(ask(), lambda _: shown.set()))
    await shown.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    await asyncio.wait_for(endpoint.closed.wait(), 5)
    endpoint.reply = answer()
    assert (await client.complete(ask())).text == "Hello"


@pytest.mark.parametrize("error", [LookupError("ours"), TimeoutError("ours"), ValueError("ours")])
async def test_what_on_text_raises_is_not_taken_for_the_models_fault(
    endpoint: RawEndpoint, client: ModelClient, error: Exception
) -> None:
    def fail(_: str) -> None:
        raise error

    endpoint.reply = answer()
    with pytest.raises(type(error), match="ours"):
        await client.complete(ask(), fail)


class TestModels:
    async def test_aliases(self, endpoint: RawEndpoint, make_client: MakeClient) -> None:
        client = make_client(endpoint, MODEL_ALIASES='{"small": "gpt-mini"}')
        endpoint.reply = answer()
        await client.complete(ask(alias="small"))
        assert endpoint.received[0].body["model"] == "gpt-mini"

    async def test_an_unknown_alias(self, endpoint: RawEndpoint, client: ModelClient) -> None:
        with pytest.raises(ProblemError, match="knows no model 'small'") as caught:
            await client.complete(ask(alias="small"))
        assert caught.value.problem.code is Code.MODEL_REFUSED
        assert not caught.value.problem.retryable
        assert endpoint.received == []

    async def test_no_endpoint_set_up(self) -> None:
        client = ModelClient(Settings.from_environment({}))
        with pytest.raises(ProblemError, match="No model endpoint is set up") as caught:
            await client.complete(ask())
        assert caught.value.problem.code is Code.MODEL_REFUSED
        assert (client.name, client.provider) == ("none", "none")

    @pytest.mark.parametrize(
        ("environment", "provider"),
        [
            ({"OPENAI_API_KEY": "k"}, "openai"),
            ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://x/v1"}, "compatible"),
            ({"AZURE_OPENAI_ENDPOINT": "https://x", "OPENAI_API_KEY": "k"}, "azure-openai"),
        ],
    )
    def test_name_and_provider(self, environment: dict[str, str], provider: str) -> None:
        client = ModelClient(Settings.from_environment({"MODEL_NAME": "m", **environment}))
        assert (client.name, client.provider) == ("m", provider)


class TestAzure:
    async def test_by_identity(self, endpoint: RawEndpoint, make_client: MakeClient) -> None:
        async def token() -> str:
            return "entra-token"

        endpoint.reply = answer()
        client = make_client(None, token, AZURE_OPENAI_ENDPOINT=endpoint.origin)
        assert (await client.complete(ask(max_output_tokens=5))).text == "Hello"
        [sent] = endpoint.received
        assert sent.path == "/openai/v1/chat/completions"
        assert sent.headers["authorization"] == "Bearer entra-token"
        assert sent.body["max_completion_tokens"] == 5

    async def test_by_key(self, endpoint: RawEndpoint, make_client: MakeClient) -> None:
        endpoint.reply = answer()
        client = make_client(None, AZURE_OPENAI_ENDPOINT=endpoint.origin, AZURE_OPENAI_API_KEY="azure-key")
        await client.complete(ask())
        assert endpoint.received[0].headers["authorization"] == "Bearer azure-key"

    async def test_a_dated_version(self, endpoint: RawEndpoint, make_client: MakeClient) -> None:
        async def token() -> str:
            return "entra-token"

        endpoint.reply = answer()
        given = {"AZURE_OPENAI_ENDPOINT": endpoint.origin, "AZURE_OPENAI_API_VERSION": "2025-03-01-preview"}
        path = "/openai/deployments/asked-model/chat/completions?api-version=2025-03-01-preview"
        await make_client(None, token, **given).complete(ask())
        await make_client(None, token, **given, AZURE_OPENAI_API_KEY="azure-key").complete(ask())
        assert [sent.path for sent in endpoint.received] == [path, path]
        assert endpoint.received[0].headers["authorization"] == "Bearer entra-token"
        assert endpoint.received[1].headers["api-key"] == "azure-key"

    async def test_no_token(self, endpoint: RawEndpoint, make_client: MakeClient) -> None:
        async def token() -> str:
            raise NoToken("no identity here")

        client = make_client(None, token, AZURE_OPENAI_ENDPOINT=endpoint.origin)
        with pytest.raises(ProblemError, match="no identity here") as caught:
            await client.complete(ask())
        assert caught.value.problem.code is Code.MODEL_REFUSED
        assert endpoint.received == []


async def test_against_the_stub(tmp_path: Path) -> None:
    with ModelStub(tmp_path / "log") as stub:
        client = ModelClient(Settings.from_environment(stub.environment()))
        text = await client.complete(ask(idempotency_key="k1"))
        schema = {"type": "object", "properties": {"agreed": {"type": "boolean"}}, "required": ["agreed"]}
        value = (await client.complete(ask(idempotency_key="k2", response_schema=schema))).value
        await client.close()
    assert text.text.startswith("answer")
    assert text.tokens_out > 0
    assert list(value) == ["agreed"]
    assert [entry.idempotency_key for entry in stub.log("sent")] == ["k1", "k2"]
