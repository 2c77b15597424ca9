"""Who may do what, on every route there is."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from api.roles import roles_for
from tests.api.conftest import problem

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
ROUTES = [f"{method.upper()} {path}" for path, routes in DOCUMENT["paths"].items() for method in routes]
OF_EVERYONE = {
    "POST /api/workflows/validate",
    "POST /api/validate",
    "POST /api/negotiate",
    "POST /api/library/{collection}/search",
}
ASKED_LATER = {"POST /api/approvals/{id}", "POST /api/tools/{name}/call"}
"""The question, or the tool, says whose it is."""
OF_OPERATORS = {
    *(f"POST /api/executions{rest}" for rest in ("", "/{id}/fork", "/{id}/replay", "/{id}/events/{name}")),
    *(f"POST /api/executions/{{id}}/{verb}" for verb in ("pause", "resume", "cancel", "retry", "hold", "release")),
    "POST /api/executions/{id}/budget",
    "DELETE /api/executions/{id}",
    "POST /api/retention/purge",
    "POST /api/schedules",
    *(f"{method} /api/schedules/{{name}}" for method in ("PUT", "DELETE")),
    *(f"POST /api/schedules/{{name}}/{verb}" for verb in ("pause", "resume", "run")),
    "GET /api/mcp/{server}/tools",
}
OF_OPERATORS_ALONE = {"POST /api/executions/{id}/budget", "POST /api/retention/purge"}
OF_ADMINS = {
    *(f"{method} /api/{what}" for method in ("PUT", "DELETE") for what in ("budgets/{name}", "models/{alias}")),
    "PUT /api/retention",
}
READ = {route for route in ROUTES if route.startswith("GET ")} - OF_OPERATORS
ALLOWED = {
    "reader": READ | OF_EVERYONE | ASKED_LATER,
    "operator": READ | OF_EVERYONE | ASKED_LATER | OF_OPERATORS,
    "author": set(ROUTES) - OF_ADMINS - OF_OPERATORS_ALONE,
}


@pytest.mark.parametrize("role", ALLOWED)
async def test_each_role_is_let_in_where_it_should_and_nowhere_else(api: httpx.AsyncClient, role: str) -> None:
    api.headers["authorization"] = f"Bearer {role}"
    for route in ROUTES:
        method, _, path = route.partition(" ")
        answer = await api.request(method, path.replace("{", "").replace("}", ""))
        forbidden = answer.status_code == 403
        assert forbidden == (route not in ALLOWED[role]), f"{role}: {route}: {answer.status_code} {answer.text}"
        if forbidden:
            problem(answer, 403, "forbidden")


async def test_definitions_that_are_sent_along_take_an_author(api: httpx.AsyncClient, execution: str) -> None:
    api.headers["authorization"] = "Bearer operator"
    workflow = {"name": "own", "steps": [{"id": "s", "agent": "writer", "input": "x"}]}
    at = f"/api/executions/{execution}"
    problem(await api.post("/api/executions", json={"definition": workflow}), 403, "forbidden")
    problem(await api.post(f"{at}/fork", json={"workflow": workflow}), 403, "forbidden")
    problem(await api.post(f"{at}/fork", json={"agents": {"writer": {"instructions": "x"}}}), 403, "forbidden")
    problem(await api.post(f"{at}/replay", json={"agents": {"writer": {"instructions": "x"}}}), 403, "forbidden")
    assert (await api.post("/api/executions", json={"workflow": "brief", "input": {"topic": "x"}})).status_code == 202
    assert (await api.post(f"{at}/fork", json={})).status_code == 202


def test_what_nobody_thought_of_is_for_admins() -> None:
    assert roles_for("POST", "/api/something-new/{name}") == ()
    assert roles_for("GET", "/api/something-new/{name}") is None
