"""HTTP functions on the FastAPI extension: live requests, and responses that arrive as they are made."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from tests.devhost.conftest import Serve


async def test_a_stream_arrives_chunk_by_chunk(serve: Serve) -> None:
    async with serve("streaming") as client, client.stream("GET", "/api/ticks/3") as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        chunks = response.aiter_raw()
        for number in range(3):  # each next chunk is made only after the one before has been read here
            assert await anext(chunks) == f"data: {number}\n\n".encode()
            assert (await client.post("/api/next")).status_code == 204
        assert [chunk async for chunk in chunks] == []


async def test_a_client_that_leaves_ends_the_stream(serve: Serve) -> None:
    async with serve("streaming") as client:
        async with client.stream("GET", "/api/endless") as response:
            assert await anext(response.aiter_raw()) == b"data: first\n\n"
        async with asyncio.timeout(10):
            while (await client.get("/api/ended")).json() != ["endless"]:  # noqa: ASYNC110 - the app has no event to give
                await asyncio.sleep(0.02)


async def test_stopping_the_host_closes_open_streams(serve: Serve) -> None:
    async with asyncio.timeout(10):
        async with serve("streaming") as client:
            request = client.build_request("GET", "/api/endless")
            response = await client.send(request, stream=True)
            assert await anext(response.aiter_raw()) == b"data: first\n\n"


async def test_what_is_no_response_becomes_json(serve: Serve) -> None:
    async with serve("streaming") as client:
        response = await client.get("/api/plain")
    assert (response.status_code, response.json()) == (200, {"kind": "dict"})


async def test_errors_of_user_code(serve: Serve) -> None:
    async with serve("streaming") as client:
        teapot, broken = await client.get("/api/teapot"), await client.get("/api/broken")
    assert (teapot.status_code, teapot.json(), teapot.headers["x-pot"]) == (418, {"detail": "short and stout"}, "tea")
    assert (broken.status_code, broken.text) == (500, "Internal Server Error")


async def test_what_the_log_tells_is_what_the_client_was_answered(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "devhost")
    async with serve("streaming") as client:
        refused = await client.post("/api/orders", json={})  # by the app that its function answers with
    assert refused.status_code == 422
    assert [line.getMessage()[:3] for line in caplog.records if "POST /api/orders" in line.getMessage()] == ["422"]


async def test_the_request_body_streams_in_under_the_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "1000")
    async with serve("streaming") as client:
        fits = await client.post("/api/upload", content=b"x" * 1000)
        chunked = await client.post("/api/upload", content=_chunks())
    assert (fits.text, chunked.status_code) == ("1000", 413)


async def test_a_fastapi_app_behind_one_function(serve: Serve) -> None:
    async with serve("streaming") as client:
        started = await client.post("/api/orders", json={"product": "lamp"})
        invalid = await client.post("/api/orders", json={})
        status = await client.get(f"/runtime/webhooks/durabletask/instances/{started.json()['id']}")
        async with client.stream("GET", "/api/orders/o1/events") as response:
            chunks = response.aiter_raw()
            for number in range(2):
                assert await anext(chunks) == f"id: {number}\ndata: o1\n\n".encode()
                await client.post("/api/next")
    assert (started.status_code, started.json()["product"], invalid.status_code) == (202, "lamp", 422)
    assert status.json()["name"] == "double"


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"x" * 400
