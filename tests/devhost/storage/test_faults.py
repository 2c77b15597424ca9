"""A queue whose requests are cut, refused, or done without an answer: no message is lost, and few come twice."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest

from tests.devhost.conftest import HostClient, MakeApp, Serve
from tests.devhost.storage.accounts import Storage
from tests.support.azurite import Azurite, connection_string
from tests.support.faults import Fault, Proxy, before, cut_after, cut_off, lost, refused

APP = """
import asyncio, json
app = func.FunctionApp()
seen = asyncio.Queue()

@app.route('seen')
async def next_seen(req: func.HttpRequest):
    return json.dumps(await seen.get())

@app.queue_trigger('message', '%PREFIX%-in', '')
async def work(message: func.QueueMessage):
    body = message.get_body().decode()
    seen.put_nowait([body, message.dequeue_count])
    if body == 'bad':
        raise ValueError(body)
"""
Hosted = Callable[[], AbstractAsyncContextManager[HostClient]]


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[Proxy]:
    with before(azurite.queue_port) as proxy:
        yield proxy


@pytest.fixture
def hosted(
    serve: Serve, storage: Storage, make_app: MakeApp, proxy: Proxy, azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> Hosted:
    """A host that reaches its queues through the proxy, and holds a message for a second."""
    storage.queue("in")
    storage.queue("in-poison")
    monkeypatch.setenv("AzureWebJobsStorage", connection_string(azurite.blob_port, proxy.port))
    monkeypatch.setattr("devhost.storage.poller.LEASE", timedelta(seconds=1))
    monkeypatch.setattr("devhost.storage.holding.LEASE", timedelta(seconds=1))
    return lambda: serve(make_app(APP))


async def seen(client: HostClient) -> tuple[str, int]:
    body, dequeue_count = (await client.get("/api/seen")).json()
    return body, dequeue_count


def send(storage: Storage, text: str) -> None:
    storage.put("in", base64.b64encode(text.encode()).decode())


@pytest.mark.parametrize("fault", [cut_off, refused(503, "ServerBusy"), refused(403, "AuthorizationFailure")])
async def test_a_poll_that_fails_is_followed_by_the_next(
    storage: Storage, proxy: Proxy, hosted: Hosted, fault: Fault
) -> None:
    proxy.fault("GET", *[fault] * 4)
    send(storage, "kept")
    async with hosted() as client:
        assert await seen(client) == ("kept", 1)
    assert proxy.is_quiet


@pytest.mark.parametrize("fault", [lost, cut_after(20)])
async def test_a_message_that_was_taken_unheard_comes_again(
    storage: Storage, proxy: Proxy, hosted: Hosted, fault: Fault
) -> None:
    send(storage, "again")
    proxy.fault("GET", fault)
    async with hosted() as client:
        assert await seen(client) == ("again", 2)
    assert storage.count("in") == 0


@pytest.mark.parametrize("fault", [cut_off, lost, refused(503, "ServerBusy")])
async def test_a_message_is_deleted_once_it_was_worked_on(
    storage: Storage, proxy: Proxy, hosted: Hosted, fault: Fault
) -> None:
    proxy.fault("DELETE", fault)
    send(storage, "once")
    async with hosted() as client:
        assert await seen(client) == ("once", 1)
    assert proxy.is_quiet
    assert storage.count("in") == 0


async def test_a_message_that_cannot_be_deleted_comes_again(
    storage: Storage, proxy: Proxy, hosted: Hosted, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.fault("DELETE", refused(403, "AuthorizationFailure"))
    send(storage, "twice")
    async with hosted() as client:
        assert [await seen(client) for _ in range(2)] == [("twice", 1), ("twice", 2)]
    assert "will come again" in caplog.text
    assert storage.count("in") == 0


@pytest.mark.parametrize(("fault", "copies"), [(cut_off, 1), (lost, 2), (refused(503, "ServerBusy"), 1)])
async def test_a_bad_message_reaches_the_poison_queue(
    storage: Storage, proxy: Proxy, hosted: Hosted, fault: Fault, copies: int
) -> None:
    proxy.fault("POST", fault)
    send(storage, "bad")
    async with hosted() as client:
        assert [await seen(client) for _ in range(5)] == [("bad", attempt) for attempt in range(1, 6)]
    assert proxy.is_quiet
    # A queue cannot be asked whether a message is in it: where the answer was lost, there are two.
    assert [base64.b64decode(message.content) for message in storage.take("in-poison")] == [b"bad"] * copies
    assert storage.count("in") == 0
