"""Starting, reading and retrying; and that whatever fails on the way leaves nothing behind."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.errors import platform_failed
from domain.executions import Status, StopReason
from services.wiring import Services
from tests.api.conftest import AGENT, WORKFLOW, FakeDurable, finish, problem

START = {"workflow": "brief", "input": {"topic": "tea"}}


async def nothing_left(api: httpx.AsyncClient, services: Services, durable: FakeDurable) -> bool:
    listed = (await api.get("/api/executions")).json()["items"]
    return listed == [] and await services.executions.running() == [] and durable.started == {}


class TestStart:
    async def test_by_name(self, api: httpx.AsyncClient, brief: str, durable: FakeDurable, services: Services) -> None:
        answer = await api.post("/api/executions", json=START)
        assert answer.status_code == 202
        record = answer.json()
        assert answer.headers["location"] == f"/api/executions/{record['id']}"
        assert (record["workflow"], record["workflow_version"], record["status"]) == ("brief", 1, "running")
        assert (record["input"], record["started_by"]) == ({"topic": "tea"}, "ann")
        assert record["created"].endswith("Z")
        assert record.keys().isdisjoint({"tenant", "plan"})
        assert (await api.get(answer.headers["location"])).json() == record

        payload = durable.started[record["id"]]
        assert payload["tenant"] == "one"
        assert payload["execution"] == record["id"]
        assert payload["workflow"] == WORKFLOW
        assert payload["input"] == {"v": {"topic": "tea"}}
        plan = await services.plans.load("one", payload["plan"])
        assert plan.agents["writer"].instructions == "Write."
        assert plan.agent_versions == {"writer": 1}

        events = (await api.get(f"/api/executions/{record['id']}/events")).json()["events"]
        assert [(event["id"], event["type"], event["value"]) for event in events] == [
            ("execution.started", "execution.started", {"topic": "tea"})
        ]
        assert events[0]["data"] == {"workflow": "brief", "version": 1}

    async def test_a_long_input_travels_by_reference(
        self, api: httpx.AsyncClient, brief: str, durable: FakeDurable
    ) -> None:
        long = {"topic": "tea " * 10_000}
        record = (await api.post("/api/executions", json={**START, "input": long})).json()
        assert durable.started[record["id"]]["input"] == {"r": "execution.started", "p": []}
        assert (await api.get(f"/api/executions/{record['id']}")).json()["input"] == long
        events = (await api.get(f"/api/executions/{record['id']}/events")).json()["events"]
        kept = await api.get(f"/api/executions/{record['id']}/artifacts/{events[0]['artifact']}")
        assert kept.json() == long
        assert "immutable" in kept.headers["cache-control"]

    async def test_a_version_is_pinned(self, api: httpx.AsyncClient, brief: str, durable: FakeDurable) -> None:
        await api.put("/api/workflows/brief", json={**WORKFLOW, "description": "New."})
        record = (await api.post("/api/executions", json={**START, "workflow": "brief@1"})).json()
        assert record["workflow_version"] == 1
        assert "description" not in durable.started[record["id"]]["workflow"]

    async def test_a_definition_of_its_own(self, api: httpx.AsyncClient, brief: str, durable: FakeDurable) -> None:
        definition = {"name": "once", "steps": [{"id": "a", "agent": "writer"}]}
        record = (await api.post("/api/executions", json={"definition": definition})).json()
        assert (record["workflow"], record["workflow_version"], record["input"]) == ("once", None, {})
        assert durable.started[record["id"]]["workflow"] == definition

    @pytest.mark.parametrize(
        ("body", "status", "code", "where"),
        [
            ({}, 400, "invalid_request", ""),
            ({"workflow": "brief", "definition": {}}, 400, "invalid_request", ""),
            ({"workflow": "Brief"}, 400, "invalid_request", "/workflow"),
            ({"workflow": "brief@0"}, 400, "invalid_request", "/workflow"),
            ({"workflow": 5}, 400, "invalid_request", "/workflow"),
            ({**START, "inputs": 1}, 400, "invalid_request", "/inputs"),
            ({"definition": "text"}, 400, "invalid_request", "/definition"),
            ([], 400, "invalid_request", ""),
            ({"workflow": "nothing"}, 404, "not_found", None),
            ({"workflow": "brief@2", "input": {"topic": "x"}}, 404, "not_found", None),
            ({"workflow": "brief"}, 422, "invalid_input", "/input/topic"),
            ({"workflow": "brief", "input": {"topic": 5}}, 422, "invalid_input", "/input/topic"),
            ({"workflow": "brief", "input": None}, 422, "invalid_input", "/input"),
            ({"workflow": "brief", "input": []}, 422, "invalid_input", "/input"),
            ({"definition": {}}, 422, "invalid_definition", "/definition/name"),
            ({"definition": {**WORKFLOW, "stps": 1}}, 422, "invalid_definition", "/definition/stps"),
            (
                {"definition": {"name": "w", "steps": [{"id": "a", "agent": "writr"}]}},
                422,
                "invalid_definition",
                "/definition/steps/0/agent",
            ),
            (
                {"definition": {"name": "w", "steps": [{"id": "c", "concurrent": [{"id": "a", "agent": "w"}]}]}},
                422,
                "invalid_definition",
                "/definition/steps/0/concurrent/0/agent",
            ),
        ],
    )
    async def test_what_is_wrong_leaves_nothing(
        self,
        api: httpx.AsyncClient,
        brief: str,
        services: Services,
        durable: FakeDurable,
        body: Any,
        status: int,
        code: str,
        where: str | None,
    ) -> None:
        errors = problem(await api.post("/api/executions", json=body), status, code)
        assert where is None or where in errors
        assert await nothing_left(api, services, durable)

    async def test_an_agent_deleted_since_is_noticed(
        self, api: httpx.AsyncClient, brief: str, services: Services, durable: FakeDurable
    ) -> None:
        await api.delete("/api/agents/writer")
        errors = problem(await api.post("/api/executions", json=START), 422, "invalid_definition")
        assert list(errors) == ["/steps/0/agent"]
        assert await nothing_left(api, services, durable)

    async def test_a_start_that_fails_leaves_nothing(
        self, api: httpx.AsyncClient, brief: str, services: Services, durable: FakeDurable
    ) -> None:
        durable.refuses = True
        headers = {"Idempotency-Key": "k"}
        answer = await api.post("/api/executions", json=START, headers=headers)
        problem(answer, 503, "platform_failed")
        assert answer.headers["retry-after"]
        assert await nothing_left(api, services, durable)

        durable.refuses = False
        assert (await api.post("/api/executions", json=START, headers=headers)).status_code == 202

    async def test_a_start_whose_answer_was_lost_counts(
        self, api: httpx.AsyncClient, brief: str, durable: FakeDurable
    ) -> None:
        durable.fails_after = True
        answer = await api.post("/api/executions", json=START)
        assert answer.status_code == 202
        assert list(durable.started) == [answer.json()["id"]]


class TestIdempotency:
    async def test_the_same_request_starts_once(self, api: httpx.AsyncClient, brief: str, durable: FakeDurable) -> None:
        starts = [api.post("/api/executions", json=START, headers={"Idempotency-Key": "k"}) for _ in range(8)]
        answers = await asyncio.gather(*starts)
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert len(durable.started) == 1
        assert len((await api.get("/api/executions")).json()["items"]) == 1

    async def test_another_request_conflicts(self, api: httpx.AsyncClient, brief: str, durable: FakeDurable) -> None:
        headers = {"Idempotency-Key": "k"}
        await api.post("/api/executions", json=START, headers=headers)
        other = {**START, "input": {"topic": "coffee"}}
        problem(await api.post("/api/executions", json=other, headers=headers), 409, "conflict")
        assert len(durable.started) == 1

    async def test_a_repeat_gives_its_execution_even_when_the_workflow_has_gone(
        self, api: httpx.AsyncClient, brief: str
    ) -> None:
        headers = {"Idempotency-Key": "k"}
        first = await api.post("/api/executions", json=START, headers=headers)
        assert (await api.delete(f"/api/workflows/{brief}")).status_code == 204
        again = await api.post("/api/executions", json=START, headers=headers)
        assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])

    @pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 201, "a\tb"])
    async def test_keys_are_short_and_visible(
        self, api: httpx.AsyncClient, brief: str, services: Services, durable: FakeDurable, key: str
    ) -> None:
        answer = await api.post("/api/executions", json=START, headers=[(b"Idempotency-Key", key.encode())])
        problem(answer, 400, "invalid_request")
        assert await nothing_left(api, services, durable)

    async def test_the_longest_key(self, api: httpx.AsyncClient, brief: str) -> None:
        answer = await api.post("/api/executions", json=START, headers={"Idempotency-Key": "~" * 200})
        assert answer.status_code == 202


class TestWait:
    async def test_the_end_comes_in_time(
        self, api: httpx.AsyncClient, brief: str, services: Services, durable: FakeDurable
    ) -> None:
        waiting = asyncio.create_task(api.post("/api/executions", params={"wait": 60}, json=START))
        async with asyncio.timeout(20):
            await durable.any_started.wait()
        await finish(services, next(iter(durable.started)))
        answer = await waiting
        assert (answer.status_code, answer.json()["status"], answer.json()["output"]) == (200, "completed", "done")

    async def test_the_end_does_not_come_in_time(self, api: httpx.AsyncClient, brief: str) -> None:
        answer = await api.post("/api/executions", params={"wait": 0.05}, json=START)
        assert (answer.status_code, answer.json()["status"]) == (202, "running")

    @pytest.mark.parametrize("wait", ["-1", "61", "x", "nan", "inf"])
    async def test_it_is_a_number_of_seconds(
        self, api: httpx.AsyncClient, brief: str, services: Services, durable: FakeDurable, wait: str
    ) -> None:
        answer = await api.post("/api/executions", params={"wait": wait}, json=START)
        assert list(problem(answer, 400, "invalid_request")) == ["/query/wait"]
        assert await nothing_left(api, services, durable)


class TestList:
    async def test_newest_first_by_pages_and_filters(
        self, api: httpx.AsyncClient, brief: str, services: Services
    ) -> None:
        ids = [(await api.post("/api/executions", json=START)).json()["id"] for _ in range(3)]
        await finish(services, ids[1])
        first = (await api.get("/api/executions", params={"limit": 2})).json()
        rest = (await api.get("/api/executions", params={"continuation": first["continuation"]})).json()
        assert [item["id"] for item in first["items"] + rest["items"]] == sorted(ids, reverse=True)
        assert first["items"][0].keys().isdisjoint({"input", "output", "tenant", "plan"})

        completed = (await api.get("/api/executions", params={"status": "completed"})).json()["items"]
        assert [item["id"] for item in completed] == [ids[1]]
        assert (await api.get("/api/executions", params={"workflow": "other"})).json()["items"] == []

    @pytest.mark.parametrize(
        "params", [{"status": "done"}, {"limit": "0"}, {"limit": "1e3"}, {"continuation": "!"}, {"workflow": "x" * 64}]
    )
    async def test_bad_parameters(self, api: httpx.AsyncClient, params: dict[str, str]) -> None:
        problem(await api.get("/api/executions", params=params), 400, "invalid_request")

    @pytest.mark.parametrize("id", ["x", "0" * 31, "0" * 32, "G" * 32, "!key:abc", "..", "%2e%2e"])
    @pytest.mark.parametrize("rest", ["", "/events", "/chats/talk", "/artifacts/x"])
    async def test_what_is_not_there(self, api: httpx.AsyncClient, id: str, rest: str) -> None:
        problem(await api.get(f"/api/executions/{id}{rest}"), 404, "not_found")


class TestRetry:
    async def test_a_failed_one(
        self, api: httpx.AsyncClient, execution: str, services: Services, durable: FakeDurable
    ) -> None:
        await finish(services, execution, Status.FAILED)
        await api.put("/api/agents/writer", json={**AGENT, "instructions": "Changed."})
        answer = await api.post(f"/api/executions/{execution}/retry")
        record = answer.json()
        assert answer.status_code == 202
        assert answer.headers["location"] == f"/api/executions/{record['id']}"
        assert (record["retry_of"], record["status"], record["input"]) == (execution, "running", {"topic": "tea"})
        assert record["id"] != execution
        assert durable.started[record["id"]]["plan"] == durable.started[execution]["plan"]

    async def test_a_canceled_one(self, api: httpx.AsyncClient, execution: str, services: Services) -> None:
        await finish(services, execution, Status.CANCELED)
        assert (await api.post(f"/api/executions/{execution}/retry")).status_code == 202

    async def test_only_what_failed(
        self, api: httpx.AsyncClient, execution: str, services: Services, durable: FakeDurable
    ) -> None:
        problem(await api.post(f"/api/executions/{execution}/retry"), 409, "conflict")
        await finish(services, execution)
        problem(await api.post(f"/api/executions/{execution}/retry"), 409, "conflict")
        assert len(durable.started) == 1

    async def test_one_that_cannot_be_started_leaves_nothing(
        self, api: httpx.AsyncClient, execution: str, services: Services, durable: FakeDurable
    ) -> None:
        await finish(services, execution, Status.FAILED)
        durable.refuses = True
        problem(await api.post(f"/api/executions/{execution}/retry"), 503, "platform_failed")
        assert len((await api.get("/api/executions")).json()["items"]) == 1


async def test_an_error_is_shown_whole(api: httpx.AsyncClient, execution: str, services: Services) -> None:
    error = platform_failed("It broke.")
    await services.executions.end(
        "one", execution, status=Status.FAILED, error=error, stop_reason=StopReason.FAILED, ended=datetime.now(UTC)
    )
    shown = (await api.get(f"/api/executions/{execution}")).json()["error"]
    assert (shown["code"], shown["message"], shown["fault"]) == ("platform_failed", "It broke.", "platform")
