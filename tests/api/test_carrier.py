"""The triggers: what each carries, and that importing them stays cheap."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api import app as app_module
from api.carrier import carry
from tests.api.conftest import FakeDurable

HEAVY = {"api.app", "api.starting", "openai", "azure.identity", "jsonschema", "mcp", "httpx", "httpx2", "yaml"}


@pytest.fixture(scope="module")
def loaded() -> dict[str, Any]:
    """The function app as a host finds it: bindings by function, and the heavy modules that came with it."""
    # In a process of its own: the SDK lets an app be asked for its functions only once.
    script = (
        "import json, sys, function_app\n"
        f"heavy = sorted({HEAVY} & sys.modules.keys())\n"
        "functions = function_app.app.get_functions()\n"
        "bindings = {f.get_function_name(): [json.loads(b) for b in f.get_raw_bindings()] for f in functions}\n"
        "print(json.dumps({'bindings': bindings, 'heavy': heavy}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_one_trigger_for_each_resource(loaded: dict[str, Any]) -> None:
    http = {
        binding["route"]: (name, binding)
        for name, bindings in loaded["bindings"].items()
        for binding in bindings
        if binding["type"] == "httpTrigger"
    }
    assert {route: name for route, (name, _) in http.items()} == {
        "api/agents/{*path}": "agents",
        "api/datasets/{*path}": "datasets",
        "api/evaluations/{*path}": "evaluations",
        "api/library/{*path}": "library",
        "api/prompts/{*path}": "prompts",
        "api/tools/{*path}": "tools",
        "api/mcp/{*path}": "mcp",
        "api/workflows/{*path}": "workflows",
        "api/models/{*path}": "models",
        "api/validate": "validate",
        "api/executions/{*path}": "executions",
        "api/approvals/{*path}": "approvals",
        "api/retention/{*path}": "retention",
        "api/budgets/{*path}": "budgets",
        "api/usage": "usage",
        "api/schedules/{*path}": "schedules",
        "api/negotiate": "negotiate",
        "api/me": "me",
        "api/health": "health",
        "api/openapi.json": "openapi",
        "api/schemas/{name}": "schemas",
        "{*path}": "web_page",
    }
    for _, binding in http.values():
        assert {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"} == set(binding["methods"])
        assert binding["authLevel"] == "ANONYMOUS"


def test_negotiating_takes_a_connection_and_gives_a_membership(loaded: dict[str, Any]) -> None:
    bindings = {binding["type"]: binding for binding in loaded["bindings"]["negotiate"]}
    shared = {"hubName": "executions", "connectionStringSetting": "AzureSignalRConnectionString"}
    assert bindings["signalRConnectionInfo"].items() >= {"userId": "{headers.x-watcher}", **shared}.items()
    assert bindings["signalR"].items() >= {"direction": "OUT", **shared}.items()


def test_all_rooms_are_registered(loaded: dict[str, Any]) -> None:
    assert {"workflow", "call_model", "chat", "sweep"} <= loaded["bindings"].keys()


def test_importing_the_function_app_loads_nothing_heavy(loaded: dict[str, Any]) -> None:
    assert loaded["heavy"] == []


async def test_what_is_carried_is_the_app_with_the_durable_client(
    app: FastAPI, durable: FakeDurable, brief: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "the_app", lambda: app)
    transport = httpx.ASGITransport(carry(durable))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        answer = await client.post(
            "/api/executions",
            json={"workflow": brief, "input": {"topic": "tea"}},
            headers={"Authorization": "Bearer one"},
        )
    assert answer.status_code == 202
    assert list(durable.started) == [answer.json()["id"]]
