"""The durable HTTP API as callers outside the app use it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.devhost.conftest import Serve
from tests.devhost.durable.test_client import until

API = "/runtime/webhooks/durabletask"


@pytest.mark.parametrize(
    ("body", "output"),
    [('{"a": 1.0}', "\"got {'a': 1.0}\""), ("[1, 2]", '"got [1, 2]"'), ("5", '"got 5"'), ('"Tokyo"', '"got Tokyo"')],
)
async def test_any_json_body_becomes_the_input(serve: Serve, body: str, output: str) -> None:
    async with serve("inputs") as client:
        response = await client.post(f"{API}/orchestrators/tell?timeout=10&pollingInterval=0.05", content=body)
    assert (response.status_code, response.text) == (200, output)


async def test_start_and_wait_ends_with_check_status_when_time_is_up(serve: Serve) -> None:
    async with serve("classic") as client:
        running = await client.post(f"{API}/orchestrators/waiting?timeout=0.1&pollingInterval=0.05")
        failed = await client.post(f"{API}/orchestrators/Failing?timeout=10&pollingInterval=0.05")
    assert running.status_code == 202
    assert "terminatePostUri" in running.json()
    assert failed.json()["runtimeStatus"] == "Failed"


async def test_status_codes(serve: Serve) -> None:
    async with serve("classic") as client:
        await client.post(f"{API}/orchestrators/waiting/w")
        running = await client.get(f"{API}/instances/w?showInput=false")
        await client.post(f"{API}/orchestrators/Failing/f")
        await until(client, "f", "Failed")
        failed = await client.get(f"{API}/instances/f?returnInternalServerErrorOnFailure=true")
        unknown = await client.get(f"{API}/instances/unknown")
    assert running.status_code == 202
    assert running.headers["retry-after"] == "5"
    assert running.headers["location"].endswith("&code=devhost")
    assert failed.status_code == 500
    assert (unknown.status_code, unknown.content) == (404, b"")


async def test_a_body_over_the_limit_is_refused(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "1000")
    async with serve("classic") as client:
        await client.post(f"{API}/orchestrators/waiting/w")
        fits, over = f'"{"x" * 998}"', f'"{"x" * 999}"'
        json_type = {"content-type": "application/json"}
        started = await client.post(f"{API}/orchestrators/waiting/over", content=over)
        raised = await client.post(f"{API}/instances/w/raiseEvent/go", content=over, headers=json_type)
        signalled = await client.post(f"{API}/entities/counter/c?op=add", content=over)
        sent = await client.post(f"{API}/instances/w/raiseEvent/go", content=fits, headers=json_type)
        unknown = await client.get(f"{API}/instances/over")
    assert [refused.status_code for refused in (started, raised, signalled)] == [413] * 3
    assert started.json()["ExceptionMessage"] == "The request body is larger than 1000 bytes."
    assert sent.status_code == 202
    assert unknown.status_code == 404


async def test_raising_an_event(serve: Serve) -> None:
    async with serve("classic") as client:
        await client.post(f"{API}/orchestrators/waiting/w")
        wrong = await client.post(
            f"{API}/instances/w/raiseEvent/go", content="x", headers={"content-type": "text/plain"}
        )
        not_json = await client.post(
            f"{API}/instances/w/raiseEvent/go", content="{", headers={"content-type": "application/json"}
        )
        sent = await client.post(f"{API}/instances/w/raiseEvent/go", json={"b": 1.50, "a": None})
        ended = await until(client, "w", "Completed")
    assert (wrong.status_code, not_json.status_code, sent.status_code) == (400, 400, 202)
    assert ended["output"] == {"b": 1.5, "a": None}


async def test_pages_of_instances(serve: Serve) -> None:
    async with serve("classic") as client:
        for number in range(5):
            await client.post(f"{API}/orchestrators/waiting/w{number}")
        seen: list[str] = []
        token = ""
        for _ in range(3):
            page = await client.get(f"{API}/instances?top=2", headers={"x-ms-continuation-token": token})
            seen += [status["instanceId"] for status in page.json()]
            token = page.headers["x-ms-continuation-token"]
    assert sorted(seen) == [f"w{number}" for number in range(5)]
    assert token == ""


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/instances?createdTimeFrom=yesterday"),
        ("GET", "/instances?top=many"),
        ("DELETE", "/instances?runtimeStatus=Completed"),
        ("POST", "/orchestrators/nonesuch"),
    ],
)
async def test_bad_requests_say_what_is_wrong(serve: Serve, method: str, path: str) -> None:
    async with serve("classic") as client:
        response = await client.request(method, API + path)
    assert response.status_code == 400
    assert response.json()["ExceptionMessage"]


async def test_unknown_operations_are_not_found(serve: Serve) -> None:
    async with serve("classic") as client:
        response = await client.post(f"{API}/instances/w/dance")
    assert response.status_code == 404


async def test_entities_by_http(serve: Serve) -> None:
    async with serve("classic") as client:
        signalled = await client.post(f"{API}/entities/counter/k?op=add", content="5")
        state = await _state(client, "counter/k")
        absent = await client.get(f"{API}/entities/counter/other")
        deleted = await client.delete(f"{API}/entities/counter/k")
    assert (signalled.status_code, absent.status_code, deleted.status_code) == (202, 404, 202)
    assert state == "5"


async def _state(client: httpx.AsyncClient, entity: str) -> str:
    async with asyncio.timeout(20):
        while True:
            response = await client.get(f"{API}/entities/{entity}")
            if response.status_code != 404:
                return response.text
            await asyncio.sleep(0.02)


async def test_an_engine_that_has_stopped_says_so(serve: Serve) -> None:
    async with serve("classic") as client:
        await client.host.engine.stop()
        response = await client.post(f"{API}/orchestrators/chain")
    assert response.status_code == 503
    assert "engine" in response.json()["ExceptionMessage"]
