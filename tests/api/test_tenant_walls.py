"""Whatever route there is: a second tenant gets nothing by it of what the first one has, and changes nothing of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.wiring import Services
from tests.api.conftest import finish
from tests.api.routes import Attacker, Route, routes_in

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
ROUTES = list(routes_in(DOCUMENT))
MARK = "only-the-first-tenants"
"""Stands in everything that the first tenant has."""
OF_ALL = {"/api/models", "/api/models/{alias}"}
"""What the deployment has but once: its admins', whichever tenant they are of."""
REQUESTS = 12


def made(route: str, ids: dict[str, str]) -> str:
    path = route
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
    return path


@pytest.fixture
async def ids(api: httpx.AsyncClient, services: Services) -> dict[str, str]:
    """What the first tenant has, all of it named alike; the path parameters that lead to it."""
    name = MARK
    definitions: dict[str, dict[str, Any]] = {
        "agents": {"instructions": MARK},
        "tools": {"function": "some-function", "description": MARK},
        "prompts": {"template": MARK},
        "workflows": {"description": MARK, "steps": [{"id": "s", "agent": name, "input": MARK}]},
        "schedules": {"workflow": name, "input": {"say": MARK}, "cron": "30 7 * * *"},
        "datasets": {"description": MARK, "cases": [{"id": "one", "input": MARK}]},
    }
    for kind, definition in definitions.items():
        answer = await api.post(f"/api/{kind}", json={"name": name, **definition})
        assert answer.status_code == 201, answer.text
    budget = await api.put(f"/api/budgets/{name}", json={"period": "day", "model_calls": 5})
    assert budget.status_code == 201, budget.text
    label = await api.put(f"/api/prompts/{name}/labels/production", json={"version": 1})
    assert label.status_code in (200, 201), label.text
    text = {"Content-Type": "text/plain"}
    document = await api.put(f"/api/library/{name}/documents/{name}", content=MARK.encode(), headers=text)
    assert document.status_code == 202, document.text
    started = await api.post("/api/executions", json={"workflow": name, "input": {"say": MARK}})
    ended = await api.post("/api/executions", json={"workflow": name, "input": {"say": MARK}})
    await finish(services, ended.json()["id"])
    ids = dict.fromkeys(("name", "collection", "alias", "server"), name)
    return ids | {
        "id": started.json()["id"], "other": ended.json()["id"], "label": "production", "step": "s",
        "ref": "0" * 64,
    }  # fmt: skip


async def seen(api: httpx.AsyncClient, ids: dict[str, str]) -> dict[str, Any]:
    """All that the first tenant can read."""
    told: dict[str, Any] = {}
    for route in ROUTES:
        if route.method == "GET" and route.path not in OF_ALL:
            answer = await api.get(made(route.path, ids))
            told[route.path] = (answer.status_code, re.sub(r'"exported":"[^"]*"', "", answer.text))
    return told


def test_every_parameter_leads_to_something(ids: dict[str, str]) -> None:
    """A new kind of thing has to stand in `ids`, or the test below is blind to it."""
    named = {part[1:-1] for route in ROUTES for part in route.path.split("/") if part.startswith("{")}
    assert named <= ids.keys()


async def test_the_first_tenant_has_it(api: httpx.AsyncClient, ids: dict[str, str]) -> None:
    found = [path for path, (_, text) in (await seen(api, ids)).items() if MARK in text]
    kinds = {path.split("/")[2] for path in found}
    assert kinds >= {
        "agents",
        "tools",
        "prompts",
        "workflows",
        "schedules",
        "datasets",
        "budgets",
        "library",
        "executions",
    }


async def test_the_second_sees_and_changes_nothing_of_it(
    api: httpx.AsyncClient, other: httpx.AsyncClient, ids: dict[str, str]
) -> None:
    before = await seen(api, ids)
    for route in ROUTES:
        for request in requests_to(route, ids, other):
            answer = await other.send(request)
            about = f"{route} {request.content[:300]!r}: {answer.status_code} {answer.text[:300]}"
            # Its own name may come back in what it sent itself, or in a refusal.
            if route.method == "GET":
                assert MARK not in answer.text.replace(made(route.path, ids), "") or answer.status_code == 404, about
            if "{id}" in route.path and not route.path.startswith("/api/approvals"):
                assert answer.status_code in (400, 404), about
    assert await seen(api, ids) == before


def requests_to(route: Route, ids: dict[str, str], client: httpx.AsyncClient) -> list[httpx.Request]:
    """To exactly what the first tenant has; with bodies that may be right, where there are such."""
    if route.path in OF_ALL:
        return []
    path, attacker = made(route.path, ids), Attacker(route, ids)
    if route.method in ("GET", "DELETE") or route.body is None:
        return [client.build_request(route.method, path)]
    bodies = [attacker.made(route.body, 0) for _ in range(REQUESTS)]
    return [client.build_request(route.method, path, json=body) for body in bodies]
