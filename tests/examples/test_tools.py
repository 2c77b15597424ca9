"""The example tools as a deployment has them: the function registered, the request sent."""

from __future__ import annotations

import json

import httpx

from services.settings import Settings
from services.tools.client import Attempt, ToolClient
from tests.examples.library import library
from tests.support.resolving import leads_to


async def test_the_function_is_registered_by_its_module() -> None:
    client = ToolClient(Settings.from_environment({"TOOL_MODULES": "examples.tools.orders"}))
    tool = library().tools["find-order"]
    found = await client.call(Attempt(tool, {"number": "A-1002"}, "e:order#0"))
    assert found == {"item": "desk lamp", "state": "in production", "arrives": "2026-03-19"}
    assert await client.call(Attempt(tool, {"number": "A-9999"}, "e:order#0")) == {"state": "unknown"}


async def test_the_request_is_made_of_its_arguments() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(201, json={"id": 7})

    settings = Settings.from_environment({"TOOL_HOSTS": "desk.example.com"})
    client = ToolClient(settings, leads_to("93.184.216.34"), httpx.MockTransport(answer))
    arguments = {"order": "A-1002", "note": "It comes in March."}
    assert await client.call(Attempt(library().tools["add-note"], arguments, "e:file#0")) == {"id": 7}
    [request] = sent
    assert (request.method, str(request.url)) == ("POST", "https://93.184.216.34/orders/A-1002/notes")
    assert request.headers["host"] == "desk.example.com"
    assert json.loads(request.content) == {"text": "It comes in March."}
    assert request.headers["idempotency-key"] == "e:file#0"
    await client.close()
