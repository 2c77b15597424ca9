"""Schedules over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.api.conftest import WORKFLOW, FakeDurable, problem

DAILY = {"name": "daily", "workflow": "brief", "input": {"topic": "tea"}, "cron": "30 7 * * *"}
SHOWN = {"definition", "updated", "paused", "next", "last_due", "last_execution", "last_error"}


@pytest.fixture
async def daily(api: httpx.AsyncClient, brief: str) -> httpx.Response:
    """The answer that a schedule was created with."""
    answer = await api.post("/api/schedules", json=DAILY)
    assert answer.status_code == 201, answer.text
    return answer


class TestKeeping:
    async def test_created_read_changed_listed_and_deleted(self, api: httpx.AsyncClient, daily: httpx.Response) -> None:
        assert daily.headers["location"] == "/api/schedules/daily"
        shown = daily.json()
        assert shown.keys() == SHOWN
        assert (shown["definition"], shown["paused"], shown["last_execution"]) == (DAILY, False, None)
        assert shown["updated"].endswith("Z")
        assert shown["next"].endswith("T07:30:00Z")
        assert (await api.get("/api/schedules/daily")).json() == shown

        body = {**DAILY, "time_zone": "Asia/Kolkata", "from": "2027-01-01T00:00:00Z"}
        changed = await api.put("/api/schedules/daily", json=body)
        assert (changed.status_code, changed.json()["definition"]) == (200, body)
        assert changed.headers["etag"] != daily.headers["etag"]
        assert changed.json()["next"] == "2027-01-01T02:00:00Z"

        listed = (await api.get("/api/schedules")).json()
        [item] = listed["items"]
        assert listed["continuation"] is None
        assert item["etag"] == changed.headers["etag"]
        assert item.items() >= {"name": "daily", "workflow": "brief", "cron": "30 7 * * *", "paused": False}.items()
        assert "input" not in item

        assert (await api.delete("/api/schedules/daily")).status_code == 204
        for gone in (await api.get("/api/schedules/daily"), await api.delete("/api/schedules/daily")):
            problem(gone, 404, "not_found")

    async def test_it_may_be_yaml_and_take_its_name_from_the_path(self, api: httpx.AsyncClient, brief: str) -> None:
        text = "workflow: brief\ninput: {topic: tea}\ncron: 0 7 * * MON-FRI\nuntil: 2999-01-01T00:00:00Z\n"
        headers = {"Content-Type": "application/yaml"}
        answer = await api.put("/api/schedules/weekdays", content=text, headers=headers)
        assert answer.status_code == 201
        assert answer.json()["definition"]["name"] == "weekdays"

    async def test_lists_go_on_where_they_stopped(self, api: httpx.AsyncClient, brief: str) -> None:
        for name in ("a", "b", "c"):
            await api.post("/api/schedules", json={**DAILY, "name": name})
        first = (await api.get("/api/schedules", params={"limit": 2})).json()
        rest = (await api.get("/api/schedules", params={"continuation": first["continuation"]})).json()
        assert [item["name"] for item in first["items"] + rest["items"]] == ["a", "b", "c"]

    async def test_conditions_are_kept(self, api: httpx.AsyncClient, daily: httpx.Response) -> None:
        etag = daily.headers["etag"]
        assert (await api.put("/api/schedules/daily", json=DAILY)).headers["etag"] == etag
        problem(await api.post("/api/schedules", json=DAILY), 409, "conflict")
        body = {**DAILY, "cron": "0 8 * * *"}
        again = await api.put("/api/schedules/daily", json=body, headers={"If-None-Match": "*"})
        problem(again, 412, "precondition_failed")
        writes = [api.put("/api/schedules/daily", json=body, headers={"If-Match": tag}) for tag in (etag, '"other"')]
        answers = await asyncio.gather(*writes)
        assert [answer.status_code for answer in answers] == [200, 412]
        for method in ("PUT", "DELETE"):
            stale = await api.request(method, "/api/schedules/daily", json=DAILY, headers={"If-Match": etag})
            problem(stale, 412, "precondition_failed")
        missing = await api.put("/api/schedules/other", json={**DAILY, "name": "other"}, headers={"If-Match": "*"})
        problem(missing, 412, "precondition_failed")


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "where", "what"),
        [
            ({"cron": "soon"}, "/cron", "five fields"),
            ({"time_zone": "Mars/Base"}, "/time_zone", "Europe/Berlin"),
            ({"workflow": "brif"}, "/workflow", "there is no workflow `brif`; did you mean `brief`?"),
            ({"workflow": "brief@9"}, "/workflow", "there is no workflow `brief@9`"),
            ({"input": {}}, "/input/topic", ""),
            ({"input": {"topic": 5}}, "/input/topic", ""),
            ({"inputs": {}}, "/inputs", "unknown key"),
            ({"webhook": {"url": "https://hooks.example.com/"}}, "/webhook/url", "WEBHOOK_HOSTS"),
        ],
    )
    async def test_a_bad_one_changes_nothing(
        self, api: httpx.AsyncClient, daily: httpx.Response, change: dict[str, Any], where: str, what: str
    ) -> None:
        for answer in (
            await api.put("/api/schedules/daily", json={**DAILY, **change}),
            await api.post("/api/schedules", json={**DAILY, "name": "other", **change}),
        ):
            errors = problem(answer, 422, "invalid_definition")
            assert list(errors) == [where]
            assert what in errors[where]
        assert (await api.get("/api/schedules/daily")).headers["etag"] == daily.headers["etag"]
        assert len((await api.get("/api/schedules")).json()["items"]) == 1

    async def test_a_workflow_that_cannot_be_started_any_more(self, api: httpx.AsyncClient, brief: str) -> None:
        await api.delete("/api/agents/writer")
        errors = problem(await api.post("/api/schedules", json=DAILY), 422, "invalid_definition")
        assert "/steps/0/agent: there is no agent `writer`" in errors["/workflow"]

    @pytest.mark.parametrize(
        ("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/run"), ("GET", "/next")]
    )
    @pytest.mark.parametrize("name", ["nothing", "UPPER", "%00", "a%2Fb"])
    async def test_what_is_not_there(self, api: httpx.AsyncClient, method: str, path: str, name: str) -> None:
        problem(await api.request(method, f"/api/schedules/{name}{path}"), 404, "not_found")

    @pytest.mark.parametrize("count", ["0", "101", "x"])
    async def test_how_many_times_has_bounds(self, api: httpx.AsyncClient, daily: httpx.Response, count: str) -> None:
        answer = await api.get("/api/schedules/daily/next", params={"count": count})
        assert list(problem(answer, 400, "invalid_request")) == ["/query/count"]


class TestVerbs:
    async def test_paused_and_resumed(self, api: httpx.AsyncClient, daily: httpx.Response) -> None:
        for _ in range(2):
            paused = await api.post("/api/schedules/daily/pause")
            assert (paused.status_code, paused.json()["paused"], paused.json()["next"]) == (200, True, None)
        assert (await api.get("/api/schedules")).json()["items"][0]["paused"] is True
        for _ in range(2):
            resumed = await api.post("/api/schedules/daily/resume")
            assert (resumed.status_code, resumed.json()["paused"]) == (200, False)
            assert resumed.json()["next"] == daily.json()["next"]

    async def test_run_by_hand_paused_or_not(
        self, api: httpx.AsyncClient, daily: httpx.Response, durable: FakeDurable
    ) -> None:
        await api.post("/api/schedules/daily/pause")
        answers = [await api.post("/api/schedules/daily/run", headers={"Idempotency-Key": "k"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        record = answers[0].json()
        assert answers[1].json()["id"] == record["id"]
        assert answers[0].headers["location"] == f"/api/executions/{record['id']}"
        assert (record["workflow"], record["input"], record["started_by"]) == ("brief", {"topic": "tea"}, "ann")
        assert list(durable.started) == [record["id"]]
        assert (await api.get("/api/schedules/daily")).json()["last_execution"] is None

    async def test_run_when_the_workflow_is_gone(
        self, api: httpx.AsyncClient, daily: httpx.Response, durable: FakeDurable
    ) -> None:
        await api.delete("/api/workflows/brief")
        problem(await api.post("/api/schedules/daily/run"), 404, "not_found")
        assert durable.started == {}

    async def test_next_times(self, api: httpx.AsyncClient, brief: str) -> None:
        begin = {"from": "2999-03-30T00:00:00Z", "time_zone": "Europe/Berlin", "until": "2999-04-02T00:00:00Z"}
        await api.post("/api/schedules", json={**DAILY, **begin})
        expected = ["2999-03-30T06:30:00Z", "2999-03-31T05:30:00Z", "2999-04-01T05:30:00Z"]
        answer = (await api.get("/api/schedules/daily/next")).json()
        assert answer == {"time_zone": "Europe/Berlin", "times": expected}
        two = (await api.get("/api/schedules/daily/next", params={"count": 2})).json()
        assert two["times"] == expected[:2]

    async def test_a_paused_one_has_next_times_too(self, api: httpx.AsyncClient, daily: httpx.Response) -> None:
        await api.post("/api/schedules/daily/pause")
        times = (await api.get("/api/schedules/daily/next")).json()["times"]
        assert times[0] == daily.json()["next"]
        assert len(times) == 5
        assert datetime.fromisoformat(times[0]) > datetime.now(UTC)


async def test_tenants_do_not_meet(api: httpx.AsyncClient, other: httpx.AsyncClient, daily: httpx.Response) -> None:
    assert (await other.get("/api/schedules")).json()["items"] == []
    errors = problem(await other.put("/api/schedules/daily", json=DAILY), 422, "invalid_definition")
    assert errors == {"/workflow": "there is no workflow `brief`"}
    await other.post("/api/agents", json={"name": "writer", "instructions": "Other."})
    await other.post("/api/workflows", json=WORKFLOW)
    theirs = await other.post("/api/schedules", json={**DAILY, "cron": "0 0 * * *"})
    assert theirs.status_code == 201
    await other.post("/api/schedules/daily/pause")
    mine = await api.get("/api/schedules/daily")
    assert mine.json() == daily.json()
