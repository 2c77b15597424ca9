from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
import uvicorn
from starlette.applications import Starlette

from devhost.signalr.endpoint import Endpoint as Emulated
from devhost.signalr.messages import GroupAction
from devhost.signalr.routes import SignalRApi
from devhost.signalr.service import Connection, Service
from domain.events import Delta, Event, EventType
from services.entra import NoToken
from services.settings import Settings, SettingsError
from services.signalr import EVENTS_PER_MESSAGE, MOST_WAITING, SignalRPublisher
from services.signalr_endpoint import Endpoint
from tests.services.models.endpoint import RawEndpoint, http

KEY = "an-access-key-of-at-least-thirty-two-bytes"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
ACCEPTED = http(202)


def event(offset: int, **fields: Any) -> Event:
    return Event(id=f"e{offset}", type=EventType.STEP_STARTED, time=NOW, offset=offset, **fields)


def delta(text: str, position: int, call: str = "c", attempt: int = 1) -> Delta:
    return Delta(step="s", agent="a", call=call, attempt=attempt, position=position, text=text)


def parse(connection: str) -> Endpoint | None:
    return Endpoint.of(Settings.from_environment({"AzureSignalRConnectionString": connection}))


def publisher_for(service: RawEndpoint) -> SignalRPublisher:
    endpoint = parse(f"Endpoint={service.origin};AccessKey={KEY};Version=1.0;")
    assert endpoint is not None
    return SignalRPublisher(endpoint)


@pytest.fixture
async def service() -> AsyncIterator[RawEndpoint]:
    async with RawEndpoint(ACCEPTED) as service:
        yield service


def sent(service: RawEndpoint) -> list[tuple[str, Any]]:
    """(target, argument) of each message in order."""
    return [(received.body["target"], received.body["arguments"][0]) for received in service.received]


async def test_a_message_as_the_service_wants_it(service: RawEndpoint) -> None:
    publisher = publisher_for(service)
    publisher.events("acme", "0123", [event(1), event(2)])
    await publisher.close()
    [received] = service.received
    path = "/api/hubs/executions/groups/acme.0123/:send"
    assert received.path == f"{path}?api-version=2022-06-01"
    token = received.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, KEY, ["HS256"], audience=f"{service.origin}{path}")
    assert 0 < claims["exp"] - claims["iat"] <= 3600
    events = [event(1).model_dump(mode="json"), event(2).model_dump(mode="json")]
    assert received.body == {"target": "events", "arguments": [events]}


async def test_the_emulated_service_delivers_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        emulated = Emulated(f"http://127.0.0.1:{listener.getsockname()[1]}", KEY)
        hub = Service()
        app = Starlette(routes=SignalRApi(emulated, hub).routes)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        serving = asyncio.create_task(server.serve([listener]))
        watcher, stranger = (hub.connect("executions", user, None) for user in ("watcher", "stranger"))
        hub.apply("executions", GroupAction(action="add", group_name="acme.0123", user_id="watcher"))
        endpoint = parse(emulated.connection_string)
        assert endpoint is not None
        publisher = SignalRPublisher(endpoint)
        publisher.events("acme", "0123", [event(1)])
        publisher.delta("acme", "0123", delta("Hi", 0))
        await publisher.close()
        server.should_exit = True
        await serving
    assert [shown["target"] for shown in frames(watcher)] == ["events", "delta"]
    assert frames(stranger) == []


def frames(connection: Connection) -> list[Any]:
    """What a client of the emulated service would be sent."""
    waiting = [connection.outgoing.get_nowait() for _ in range(connection.outgoing.qsize())]
    return [json.loads(frame.rstrip("\x1e")) for frame in waiting if isinstance(frame, str)]


async def test_deltas_of_a_call_are_joined(service: RawEndpoint) -> None:
    publisher = publisher_for(service)
    for position, text in enumerate("Hello"):
        publisher.delta("t", "e", delta(text, position))
        publisher.delta("t", "e", delta(text.upper(), position, call="d"))
    await publisher.close()
    assert [(target, shown["call"], shown["position"], shown["text"]) for target, shown in sent(service)] == [
        ("delta", "c", 0, "Hello"),
        ("delta", "d", 0, "HELLO"),
    ]


async def test_what_comes_between_keeps_its_place(service: RawEndpoint) -> None:
    publisher = publisher_for(service)
    publisher.delta("t", "e", delta("lost", 0))
    publisher.events("t", "e", [event(1)])
    publisher.delta("t", "e", delta("again", 0, attempt=2))
    publisher.delta("t", "e", delta("!", 4))
    await publisher.close()
    shown = [argument.get("text", "") if target == "delta" else "event" for target, argument in _flat(sent(service))]
    assert shown == ["lost", "event", "again", "!"]


def _flat(messages: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(target, argument if target == "delta" else {}) for target, argument in messages]


async def test_many_events_go_in_messages_the_service_takes(service: RawEndpoint) -> None:
    publisher = publisher_for(service)
    publisher.events("t", "e", [event(n + 1, value="x" * 16_000) for n in range(EVENTS_PER_MESSAGE * 2 + 1)])
    await publisher.close()
    assert [len(events) for _, events in sent(service)] == [EVENTS_PER_MESSAGE, EVENTS_PER_MESSAGE, 1]
    assert all(len(json.dumps(received.body)) < 1_000_000 for received in service.received)


async def test_what_comes_while_sending_is_sent_too(service: RawEndpoint) -> None:
    publisher, busy = publisher_for(service), asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        busy.set()
        writer.write(ACCEPTED)
        await writer.drain()

    service.reply = answer
    publisher.events("t", "e", [event(1)])
    await busy.wait()
    publisher.events("t", "e", [event(2)])
    await publisher.close()
    assert [events[0]["offset"] for _, events in sent(service)] == [1, 2]


@pytest.mark.parametrize("reply", [http(401), http(500), http(429), b"", b"nonsense\r\n\r\n"])
async def test_a_service_that_fails_harms_nobody_and_is_logged_once(
    service: RawEndpoint, caplog: pytest.LogCaptureFixture, reply: bytes
) -> None:
    publisher = publisher_for(service)
    service.reply = reply
    publisher.events("t", "e", [event(1)])
    publisher.events("t", "f", [event(1)])
    await publisher.close()
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert KEY not in caplog.text
    assert "eyJ" not in caplog.text  # nor a token


async def test_it_goes_on_when_the_service_does(service: RawEndpoint) -> None:
    publisher = publisher_for(service)
    service.reply = http(500)
    publisher.events("t", "e", [event(1)])
    await _idle(publisher)
    service.reply = ACCEPTED
    publisher.events("t", "e", [event(2)])
    await publisher.close()
    assert [events[0]["offset"] for _, events in sent(service)] == [1, 2]


async def _idle(publisher: SignalRPublisher) -> None:
    assert publisher._task is not None
    await publisher._task


async def test_what_waits_is_bounded(service: RawEndpoint) -> None:
    publisher = publisher_for(service)
    for number in range(MOST_WAITING + 500):
        publisher.events("t", f"e{number % 3}", [event(1)])
    assert sum(map(len, publisher._waiting.values())) == MOST_WAITING
    publisher._waiting.clear()
    await publisher.close()


async def test_by_identity(service: RawEndpoint) -> None:
    async def token() -> str:
        return "entra-token"

    publisher = SignalRPublisher(Endpoint(service.origin, get_token=token))
    publisher.delta("t", "e", delta("x", 0))
    await publisher.close()
    assert service.received[0].headers["authorization"] == "Bearer entra-token"


async def test_no_token_harms_nobody(service: RawEndpoint, caplog: pytest.LogCaptureFixture) -> None:
    async def token() -> str:
        raise NoToken("no identity here")

    publisher = SignalRPublisher(Endpoint(service.origin, get_token=token))
    publisher.delta("t", "e", delta("x", 0))
    await publisher.close()
    assert "no identity here" in caplog.text
    assert service.received == []


class TestEndpoint:
    @pytest.mark.parametrize(
        ("connection", "url"),
        [
            (f"Endpoint=https://x.service.signalr.net;AccessKey={KEY};Version=1.0;", "https://x.service.signalr.net"),
            (f"endpoint=http://localhost/;port=8888;accesskey={KEY}", "http://localhost:8888"),
        ],
    )
    def test_by_key(self, connection: str, url: str) -> None:
        assert parse(connection) == Endpoint(url, key=KEY)

    def test_keys_may_hold_equals_signs(self) -> None:
        endpoint = parse("Endpoint=https://x;AccessKey=abc==;")
        assert endpoint is not None
        assert endpoint.key == "abc=="

    @pytest.mark.parametrize(
        "environment",
        [
            {"AzureSignalRConnectionString": "Endpoint=https://x;AuthType=azure;Version=1.0;"},
            {"AzureSignalRConnectionString__serviceUri": "https://x"},
        ],
    )
    def test_by_identity(self, environment: dict[str, str]) -> None:
        endpoint = Endpoint.of(Settings.from_environment(environment))
        assert endpoint is not None
        assert (endpoint.url, endpoint.key) == ("https://x", "")
        assert endpoint.get_token is not None

    def test_none(self) -> None:
        assert Endpoint.of(Settings.from_environment({})) is None

    @pytest.mark.parametrize("connection", ["nonsense", "Endpoint=x;AccessKey=secret", "Endpoint=https://x;Key=secret"])
    def test_unusable_ones_are_said_without_their_key(self, connection: str) -> None:
        with pytest.raises(SettingsError, match="AzureSignalRConnectionString") as caught:
            parse(connection)
        assert "secret" not in str(caught.value)
