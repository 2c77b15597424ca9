"""Two tenants on one service never meet: what is another's is not there."""

from __future__ import annotations

import uuid

import httpx
import pytest

from services.wiring import Services
from tests.api.conftest import AGENT, WORKFLOW, problem
from tests.services.remains import make


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/agents/writer"),
        ("GET", "/api/agents/writer/versions"),
        ("DELETE", "/api/agents/writer"),
        ("GET", "/api/tools/mail"),
        ("GET", "/api/tools/mail/versions"),
        ("DELETE", "/api/tools/mail"),
        ("GET", "/api/workflows/brief"),
        ("DELETE", "/api/workflows/brief"),
        ("GET", "/api/executions/{id}"),
        ("POST", "/api/executions/{id}/cancel"),
        ("POST", "/api/executions/{id}/retry"),
        ("POST", "/api/executions/{id}/release"),
        ("DELETE", "/api/executions/{id}"),
        ("GET", "/api/executions/{id}/bundle"),
        ("GET", "/api/executions/{id}/diff/{id}"),
        ("GET", "/api/executions/{id}/events"),
        ("GET", "/api/executions/{id}/usage"),
        ("GET", "/api/budgets/all"),
        ("DELETE", "/api/budgets/all"),
        ("GET", "/api/executions/{id}/chats/talk"),
        ("GET", "/api/executions/{id}/artifacts/" + "0" * 64),
        ("GET", "/api/schedules/daily"),
        ("DELETE", "/api/schedules/daily"),
        ("POST", "/api/schedules/daily/pause"),
        ("POST", "/api/schedules/daily/resume"),
        ("POST", "/api/schedules/daily/run"),
        ("GET", "/api/schedules/daily/next"),
    ],
)
async def test_anothers_is_not_there(
    api: httpx.AsyncClient, other: httpx.AsyncClient, execution: str, method: str, path: str
) -> None:
    daily = {"name": "daily", "workflow": "brief", "input": {"topic": "tea"}, "cron": "30 7 * * *"}
    assert (await api.post("/api/schedules", json=daily)).status_code == 201
    assert (await api.post("/api/tools", json={"name": "mail", "function": "send-mail"})).status_code == 201
    assert (await api.put("/api/budgets/all", json={"model_calls": 5})).status_code == 201
    problem(await other.request(method, path.format(id=execution)), 404, "not_found")
    assert (await api.get("/api/budgets/all")).status_code == 200
    assert (await api.get("/api/tools/mail")).status_code == 200
    assert (await api.get(f"/api/executions/{execution}")).json()["status"] == "running"
    assert (await api.get("/api/agents/writer")).status_code == 200
    assert (await api.get("/api/workflows/brief")).status_code == 200
    assert (await api.get("/api/schedules/daily")).json()["paused"] is False


async def test_a_stream_of_anothers_execution_is_not_there(other: httpx.AsyncClient, execution: str) -> None:
    answer = await other.get(f"/api/executions/{execution}/events", headers={"Accept": "text/event-stream"})
    problem(answer, 404, "not_found")


async def test_anothers_execution_cannot_be_watched(other: httpx.AsyncClient, execution: str) -> None:
    headers = {"x-watcher": f"two.{uuid.uuid4()}"}
    problem(await other.post("/api/negotiate", json={"execution": execution}, headers=headers), 404, "not_found")


async def test_anothers_execution_cannot_be_put_on_hold(
    api: httpx.AsyncClient, other: httpx.AsyncClient, execution: str
) -> None:
    problem(await other.post(f"/api/executions/{execution}/hold", json={"reason": "mine"}), 404, "not_found")
    assert (await api.get(f"/api/executions/{execution}")).json()["hold"] is None


async def test_a_policy_is_ones_own(api: httpx.AsyncClient, other: httpx.AsyncClient) -> None:
    etag = (await api.put("/api/retention", json={"failed": "P1D"})).headers["etag"]
    assert (await other.get("/api/retention")).json()["policy"]["failed"] is None
    problem(await other.put("/api/retention", json={}, headers={"If-Match": etag}), 412, "precondition_failed")


async def test_a_purge_removes_only_ones_own(
    services: Services, api: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    mine, theirs = await make(services, "one", 9_000), await make(services, "two", 9_000)
    for client in (api, other):
        await client.put("/api/retention", json={"completed": "P1D"})
    assert (await other.post("/api/retention/purge")).json()["purged"] == 1
    assert (await api.get(f"/api/executions/{mine}")).status_code == 200
    assert (await other.get(f"/api/executions/{theirs}")).status_code == 404


async def test_lists_hold_only_ones_own(other: httpx.AsyncClient, execution: str) -> None:
    for path in ("/api/agents", "/api/workflows", "/api/executions", "/api/schedules"):
        assert (await other.get(path)).json()["items"] == []


async def test_names_are_ones_own(api: httpx.AsyncClient, other: httpx.AsyncClient, brief: str) -> None:
    problem(await other.post("/api/workflows", json=WORKFLOW), 422, "invalid_definition")
    assert (await other.post("/api/agents", json={**AGENT, "instructions": "Other."})).status_code == 201
    assert (await api.get("/api/agents/writer")).json()["definition"]["instructions"] == "Write."


async def test_keys_are_ones_own(api: httpx.AsyncClient, other: httpx.AsyncClient, brief: str) -> None:
    await other.post("/api/agents", json=AGENT)
    await other.post("/api/workflows", json=WORKFLOW)
    start = {"workflow": "brief", "input": {"topic": "tea"}}
    headers = {"Idempotency-Key": "k"}
    mine = await api.post("/api/executions", json=start, headers=headers)
    theirs = await other.post("/api/executions", json=start, headers=headers)
    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_everyone_is_told_who_they_are(api: httpx.AsyncClient, other: httpx.AsyncClient) -> None:
    assert (await api.get("/api/me")).json() == {"tenant": "one", "principal": "ann", "roles": ["admin"]}
    assert (await other.get("/api/me")).json()["tenant"] == "two"
