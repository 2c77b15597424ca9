"""`context.call_http`, against a real server on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import azure.durable_functions as df
import pytest
from aiohttp import web

from devhost.engine.sdk_app import SdkApp
from tests.devhost.engine.conftest import Bench, events


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:
    @app.orchestrator
    def fetch(context: df.DurableOrchestrationContext) -> Any:
        try:
            return (yield context.call_http(**context.get_input()))
        except Exception as error:
            return f"caught {error}"

    @app.orchestrator
    def with_token(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_http("GET", "http://127.0.0.1:9/", token_source=df.ManagedIdentityTokenSource("r"))


@pytest.fixture
async def server() -> AsyncIterator[str]:
    polls: list[str] = []

    async def echo(request: web.Request) -> web.Response:
        return web.json_response(
            {"method": request.method, "type": request.content_type, "body": await request.text()},
            headers={"X-Seen": request.headers.get("X-Sent", "-")},
        )

    async def start(request: web.Request) -> web.Response:
        return web.Response(status=202, headers={"Location": "/poll", "Retry-After": "0"})

    async def poll(request: web.Request) -> web.Response:
        polls.append(request.method)
        if len(polls) < 3:
            return web.Response(status=202, headers={"Location": "/poll", "Retry-After": "0"})
        return web.Response(text=f"after {len(polls)} {polls[-1]}s")

    async def missing(request: web.Request) -> web.Response:
        return web.Response(status=404, text="not here")

    application = web.Application()
    application.router.add_route("*", "/echo", echo)
    application.router.add_post("/start", start)
    application.router.add_get("/poll", poll)
    application.router.add_get("/missing", missing)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_request_and_its_answer(bench: Bench, server: str) -> None:
    request = {"method": "PUT", "uri": f"{server}/echo", "content": {"a": 1}, "headers": {"X-Sent": "yes"}}
    instance_id = await bench.begin("fetch", request)
    status = await bench.end_of(instance_id)
    answer = json.loads(status.output or "")
    assert answer["statusCode"] == 200
    assert answer["headers"]["X-Seen"] == "yes"
    assert json.loads(answer["content"]) == {"method": "PUT", "type": "text/plain", "body": '{"a": 1}'}
    (scheduled,) = [event for event in events(status) if event["EventType"] == 4]
    assert scheduled["Name"] == "BuiltIn::HttpActivity"


async def test_a_given_content_type_is_kept(bench: Bench, server: str) -> None:
    headers = {"content-type": "application/json"}
    request = {"method": "POST", "uri": f"{server}/echo", "content": "x", "headers": headers, "is_raw_str": True}
    answer = json.loads((await bench.result("fetch", request))["content"])
    assert answer == {"method": "POST", "type": "application/json", "body": "x"}


async def test_an_accepted_request_is_polled_until_it_is_done(bench: Bench, server: str) -> None:
    answer = await bench.result("fetch", {"method": "POST", "uri": f"{server}/start"})
    assert (answer["statusCode"], answer["content"]) == (200, "after 3 GETs")


async def test_an_error_status_is_a_result(bench: Bench, server: str) -> None:
    answer = await bench.result("fetch", {"method": "GET", "uri": f"{server}/missing"})
    assert (answer["statusCode"], answer["content"]) == (404, "not here")


async def test_no_answer_is_an_exception(bench: Bench) -> None:
    message = await bench.result("fetch", {"method": "GET", "uri": "http://127.0.0.1:1/"})
    assert message.startswith("caught call_http to http://127.0.0.1:1/ failed: ")


async def test_a_token_source_is_refused_with_advice(bench: Bench) -> None:
    assert "the local host has none" in await bench.failure("with_token")
