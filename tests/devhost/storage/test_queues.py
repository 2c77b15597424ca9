"""Queue functions from decorator to storage and back, on a real Azurite."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

from tests.devhost.conftest import HostClient, Serve
from tests.devhost.storage.azurite import Storage


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
