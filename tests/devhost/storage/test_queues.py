"""Queue functions from decorator to storage and back, on a real Azurite."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from devhost.storage.messages import Message
from devhost.storage.queue_client import Queue
from tests.devhost.conftest import HostClient, MakeApp, Serve
from tests.devhost.storage.accounts import Storage


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def seen(client: HostClient) -> list[object]:
    return list((await client.get("/api/seen")).json())


async def test_a_message_reaches_its_function_and_is_gone_then(serve: Serve, storage: Storage) -> None:
    sent = storage.queue("orders").send_message(base64_of('{"id": "a7", "of": {"text": "tea"}}'))
    async with serve("queued") as client:
        message_id, dequeue_count, has_receipt, *times = await seen(client)
    assert (message_id, dequeue_count, has_receipt) == (sent.id, 1, True)
    inserted, expires, visible = (datetime.fromisoformat(str(time)) for time in times)
    assert abs(inserted - datetime.now(UTC)) < timedelta(minutes=1)
    assert expires - inserted == timedelta(days=7)
    assert visible > inserted
    assert storage.count("orders") == 0
    assert storage.blob("receipts/a7.txt") == b"tea, done"


async def test_a_failing_message_is_tried_again_and_then_put_aside(serve: Serve, storage: Storage) -> None:
    body = json.dumps({"fail": True})
    storage.put("orders", base64_of(body))
    async with serve("queued") as client:
        assert [await seen(client) for _ in range(3)] == [["failing", 1], ["failing", 2], ["poison", body]]
    assert storage.count("orders") == 0


async def test_from_http_over_a_queue_into_a_blob(serve: Serve, storage: Storage) -> None:
    async with serve("queued") as client:
        before = await client.get("/api/receipts/b1")
        assert (await client.post("/api/orders/b1", content="soup")).text == "placed"
        assert (await client.post("/api/orders/nothing")).text == "placed"
        await seen(client)
    assert before.text == "none"
    assert storage.blob("receipts/b1.txt") == b"soup, done"
    assert storage.count("orders") == 0


async def test_generic_bindings_do_the_same(serve: Serve, storage: Storage) -> None:
    storage.write("receipts/c1.txt", b"bread")
    async with serve("queued") as client:
        assert (await client.get("/api/generic/c1")).text == "bread"
        assert [await seen(client) for _ in range(2)] == [["copy", "one"], ["copy", "two"]]
    assert [storage.blob(f"copies/{text}") for text in ("one", "two")] == [b"one", b"two"]


async def test_a_function_is_fired_by_hand(serve: Serve, storage: Storage) -> None:
    async with serve("queued") as client:
        answer = await client.post("/admin/functions/fulfil", json={"input": '{"id": "h1", "of": {"text": "by hand"}}'})
        _, dequeue_count, *_ = await seen(client)
        await client.post("/admin/functions/bury", json={"input": {"no": "text"}})
        by_json = await seen(client)
    assert answer.status_code == 202
    assert dequeue_count == 0  # no queue has seen it
    assert by_json == ["poison", '{"no": "text"}']
    assert storage.blob("receipts/h1.txt") == b"by hand, done"


async def test_what_is_no_base64_is_put_aside_at_once(
    serve: Serve, storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    storage.put("copies", "no base64!")
    async with serve("queued") as client:
        storage.put("copies", base64_of("after"))
        assert await seen(client) == ["copy", "after"]
    assert [message.content for message in storage.take("copies-poison")] == ["no base64!"]
    assert "messageEncoding" in caplog.text


PLAIN = """
import asyncio, json
app = func.FunctionApp()
seen = asyncio.Queue()

@app.route('seen')
async def next_seen(req: func.HttpRequest):
    return json.dumps(await seen.get())

@app.route('send')
@app.queue_output('message', '%PREFIX%-in', '')
def send(req: func.HttpRequest, message: func.Out[str]):
    message.set('as it is')
    return ''

@app.queue_trigger('message', '%PREFIX%-in', '')
async def receive(message: str):
    seen.put_nowait([message])
"""


async def test_messages_go_as_they_are_where_host_json_says_so(
    serve: Serve, storage: Storage, make_app: MakeApp
) -> None:
    host_json = '{"version": "2.0", "extensions": {"queues": {"messageEncoding": "none", "batchSize": 1}}}'
    storage.put("in", "plain <text> & more")
    async with serve(make_app(PLAIN, {"host.json": host_json})) as client:
        assert await seen(client) == ["plain <text> & more"]
        await client.get("/api/send")
        assert await seen(client) == ["as it is"]


SLOW = """
import asyncio
app = func.FunctionApp()
began, go_on = asyncio.Semaphore(0), asyncio.Event()
running, most = 0, 0

@app.route('began')
async def wait(req: func.HttpRequest):
    await began.acquire()
    return str(most)

@app.route('go-on')
async def release(req: func.HttpRequest):
    go_on.set()
    return ''

@app.queue_trigger('message', '%PREFIX%-in', '')
async def work(message: str):
    global running, most
    running += 1
    most = max(most, running)
    began.release()
    try:
        await go_on.wait()
    finally:
        running -= 1
"""


async def test_no_more_at_once_than_host_json_allows(serve: Serve, storage: Storage, make_app: MakeApp) -> None:
    host_json = '{"version": "2.0", "extensions": {"queues": {"batchSize": 2, "newBatchThreshold": 1}}}'
    for number in range(7):
        storage.put("in", base64_of(str(number)))
    async with serve(make_app(SLOW, {"host.json": host_json})) as client:
        at_first = [(await client.get("/api/began")).text for _ in range(2)]
        await client.get("/api/go-on")
        most = [(await client.get("/api/began")).text for _ in range(5)]
    assert at_first[-1] == "2"
    assert 2 <= int(most[-1]) <= 3  # a batch, and as many as the threshold leaves in work
    assert storage.count("in") == 0


async def test_a_message_is_kept_hidden_as_long_as_its_function_runs(
    serve: Serve, storage: Storage, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, renewals = timedelta(seconds=1), asyncio.Semaphore(0)
    monkeypatch.setattr("devhost.storage.poller.LEASE", lease)
    monkeypatch.setattr("devhost.storage.holding.LEASE", lease)
    hide = Queue.hide

    async def counted(queue: Queue, message: Message, length: timedelta) -> Message:
        hidden = await hide(queue, message, length)
        renewals.release()
        return hidden

    monkeypatch.setattr(Queue, "hide", counted)
    storage.put("in", base64_of("long"))
    async with serve(make_app(SLOW)) as client:
        await client.get("/api/began")
        for _ in range(5):  # a second and two thirds
            await renewals.acquire()
        assert storage.take("in") == []
        await client.get("/api/go-on")
    assert storage.count("in") == 0


async def test_a_stop_gives_back_what_is_still_in_work(serve: Serve, storage: Storage, make_app: MakeApp) -> None:
    storage.put("in", base64_of("endless"))
    async with serve(make_app(SLOW)) as client:
        await client.get("/api/began")
    (message,) = storage.take("in")
    assert message.dequeue_count == 2


async def test_a_stop_lets_functions_end(serve: Serve, storage: Storage, make_app: MakeApp) -> None:
    storage.put("in", base64_of("ends"))
    async with serve(make_app(SLOW)) as client:
        await client.get("/api/began")
        (work,) = (function.call for function in client.host.functions if function.name == "work")
        asyncio.get_running_loop().call_later(0.1, work.__globals__["go_on"].set)
    assert storage.count("in") == 0


async def test_a_poison_queue_has_no_poison_queue(
    serve: Serve, storage: Storage, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    failing = SLOW.replace("%PREFIX%-in", "%PREFIX%-poison") + "    raise ValueError('again')\n"
    storage.put("poison", base64_of("bad"))
    async with serve(make_app(failing)) as client:
        await client.get("/api/began")
        await client.get("/api/go-on")
    assert storage.take("poison") == []  # hidden for a while, so that it does not fail in a tight loop
    assert storage.count("poison") == 1
    assert "which has no poison queue: its function failed 1 times" in caplog.text


async def test_retry_policies_are_for_other_triggers(
    serve: Serve, storage: Storage, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    retried = PLAIN.replace(
        "@app.queue_trigger", "@app.retry('fixed_delay', '3', delay_interval='0:0:1')\n@app.queue_trigger"
    )
    async with serve(make_app(retried)):
        pass
    assert "receive: @app.retry is ignored" in caplog.text
    assert "extensions.queues.maxDequeueCount in host.json says how often" in caplog.text
