"""Budgets over HTTP: kept by admins, read by everyone, and raising that of an execution."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import problem

URL = "/api/budgets/all"
BUDGET = {"cost_usd": "12.50", "period": "day", "time_zone": "Europe/Berlin"}


async def test_put_read_list_delete(api: httpx.AsyncClient, other: httpx.AsyncClient) -> None:
    created = await api.put(URL, json=BUDGET)
    assert created.status_code == 201
    read = await api.get(URL)
    assert read.json() == created.json()
    body = read.json()
    assert body["definition"] == {"name": "all", "scope": "tenant", "at_cap": "pause", **BUDGET}
    assert body["spent"] == {"model_calls": 0, "tokens_in": 0, "tokens_out": 0, "cost_usd": "0", "unpriced": 0}
    assert (body["by"], len(body["period"]), body["ends"][-1]) == ("ann", 10, "Z")
    assert (await api.get("/api/budgets")).json() == {"items": [body]}
    assert (await other.get("/api/budgets")).json() == {"items": []}
    problem(await other.get(URL), 404, "not_found")
    problem(await other.delete(URL), 404, "not_found")
    assert (await api.delete(URL)).status_code == 204
    problem(await api.get(URL), 404, "not_found")


async def test_etags_guard_against_races(api: httpx.AsyncClient) -> None:
    first = await api.put(URL, json=BUDGET, headers={"If-None-Match": "*"})
    changed = await api.put(URL, json={**BUDGET, "cost_usd": "20"}, headers={"If-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] == changed.json()["etag"] != first.headers["etag"]
    for headers in ({"If-None-Match": "*"}, {"If-Match": first.headers["etag"]}):
        problem(await api.put(URL, json=BUDGET, headers=headers), 412, "precondition_failed")
    problem(await api.delete(URL, headers={"If-Match": first.headers["etag"]}), 412, "precondition_failed")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"cost_usd": "0"}, "/cost_usd"),
        ({"time_zone": "Nowhere"}, "/time_zone"),
        ({"scope": "workflow"}, ""),
        ({"cost_usd": None}, ""),
        ({"perod": "day"}, "/perod"),
        ({"name": "else"}, "/name"),
    ],
)
async def test_what_is_no_budget(api: httpx.AsyncClient, fields: dict[str, Any], pointer: str) -> None:
    answer = await api.put(URL, json={**BUDGET, **fields})
    assert answer.status_code in {400, 422}
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


async def test_only_admins_change_them(api: httpx.AsyncClient) -> None:
    assert (await api.put(URL, json=BUDGET)).status_code == 201
    api.headers["authorization"] = "Bearer operator"
    problem(await api.put(URL, json=BUDGET), 403, "forbidden")
    problem(await api.delete(URL), 403, "forbidden")
    assert (await api.get(URL)).status_code == 200


class TestRaising:
    async def test_it_needs_the_role_and_a_budget(self, api: httpx.AsyncClient, execution: str) -> None:
        url = f"/api/executions/{execution}/budget"
        assert problem(await api.post(url, json={"tokens": 5}), 400, "invalid_request").keys() == {"/path"}
        assert problem(await api.post(url, json={}), 400, "invalid_request").keys() == {""}
        api.headers["authorization"] = "Bearer reader"
        problem(await api.post(url, json={"tokens": 5}), 403, "forbidden")

    async def test_anothers_is_not_there(self, other: httpx.AsyncClient, execution: str) -> None:
        problem(await other.post(f"/api/executions/{execution}/budget", json={"tokens": 5}), 404, "not_found")

    async def test_the_limits_may_be_raised_before_they_are_reached(self, api: httpx.AsyncClient, brief: str) -> None:
        steps = [{"id": "draft", "agent": "writer"}]
        definition = {"name": "w", "limits": {"model_calls": 2, "at_cap": "pause"}, "steps": steps}
        id = (await api.post("/api/executions", json={"definition": definition})).json()["id"]
        for _ in range(2):
            answer = await api.post(f"/api/executions/{id}/budget", json={"model_calls": 3})
            assert (answer.status_code, answer.json()["status"], answer.json()["paused_for"]) == (200, "running", None)
        log = (await api.get(f"/api/executions/{id}/events")).json()["events"]
        raised = [event["data"] for event in log if event["type"] == "budget.raised"]
        assert raised == [{"by": "ann", "path": "", "to": {"model_calls": 3}}]
