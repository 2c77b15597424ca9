"""Policy, holds and purging over HTTP; what each answers at every state of an execution, twice in a row included."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

from domain.executions import Status
from services.wiring import Services
from tests.api.conftest import FakeDurable, problem
from tests.services.remains import make, make_whole

URL = "/api/retention"
FOR_EVER = {"completed": None, "failed": None, "canceled": None}
ENDED = [status for status in Status if status.is_ended]


@pytest.fixture
async def due(services: Services, api: httpx.AsyncClient) -> list[str]:
    """Ids of five that are due, the oldest first."""
    assert (await api.put(URL, json={"completed": "P30D"})).status_code == 200
    return [await make(services, "one", 9_000 - number) for number in range(5)]


class TestPolicy:
    async def test_set_and_read(self, api: httpx.AsyncClient) -> None:
        first = await api.get(URL)
        assert first.json() == {"policy": FOR_EVER, "updated": None, "by": None}
        assert "etag" not in first.headers
        put = await api.put(URL, json={"completed": "P30D", "canceled": None})
        assert put.status_code == 200
        read = await api.get(URL)
        assert read.json() == put.json()
        assert read.headers["etag"] == put.headers["etag"]
        assert read.json()["policy"] == {**FOR_EVER, "completed": "P30D"}
        assert read.json()["by"] == "ann"
        assert read.json()["updated"].endswith("Z")

    async def test_what_is_left_out_is_kept_for_ever_again(self, api: httpx.AsyncClient) -> None:
        await api.put(URL, json={"completed": "P30D"})
        for _ in range(2):
            assert (await api.put(URL, json={})).json()["policy"] == FOR_EVER

    async def test_yaml_is_taken_too(self, api: httpx.AsyncClient) -> None:
        answer = await api.put(URL, content="failed: P2W", headers={"Content-Type": "application/yaml"})
        assert answer.json()["policy"]["failed"] == "P14D"

    async def test_of_two_who_change_it_the_second_is_told(self, api: httpx.AsyncClient) -> None:
        problem(await api.put(URL, json={}, headers={"If-Match": '"old"'}), 412, "precondition_failed")
        etag = (await api.put(URL, json={"failed": "P9D"}, headers={"If-None-Match": "*"})).headers["etag"]
        assert (await api.put(URL, json={"failed": "P8D"}, headers={"If-Match": etag})).status_code == 200
        problem(await api.put(URL, json={"failed": "P7D"}, headers={"If-Match": etag}), 412, "precondition_failed")
        problem(await api.put(URL, json={}, headers={"If-None-Match": "*"}), 412, "precondition_failed")
        assert (await api.get(URL)).json()["policy"]["failed"] == "P8D"

    @pytest.mark.parametrize(
        ("body", "pointer", "message"),
        [
            ({"completed": 30}, "/completed", "from one day to a hundred years, for example P30D"),
            ({"failed": "PT1H"}, "/failed", "from one day"),
            ({"canceled": "a month"}, "/canceled", ""),
            ({"complete": "P30D"}, "/complete", "did you mean `completed`"),
            ([], "", ""),
        ],
    )
    async def test_a_bad_one_names_the_field_and_changes_nothing(
        self, api: httpx.AsyncClient, body: Any, pointer: str, message: str
    ) -> None:
        await api.put(URL, json={"completed": "P30D"})
        before = (await api.get(URL)).json()
        errors = problem(await api.put(URL, json=body), 400, "invalid_request")
        assert message in errors[pointer]
        assert (await api.get(URL)).json() == before


class TestPurge:
    async def test_a_batch_at_a_time_until_no_more_are_waiting(
        self, api: httpx.AsyncClient, durable: FakeDurable, due: list[str]
    ) -> None:
        await api.post(f"/api/executions/{due[1]}/hold", json={"reason": "a law suit"})
        first = await api.post(f"{URL}/purge", params={"batch": 3})
        assert first.json() == {"purged": 3, "held": 1, "in_use": 0, "failed": 0, "more": True}
        assert durable.purged == [due[0], due[2], due[3]]
        assert [record["id"] for record in (await api.get("/api/executions")).json()["items"]] == [due[4], due[1]]
        second = await api.post(f"{URL}/purge")
        assert second.json() == {"purged": 1, "held": 1, "in_use": 0, "failed": 0, "more": False}
        assert (await api.post(f"{URL}/purge")).json() == {**second.json(), "purged": 0}

    @pytest.mark.parametrize("batch", [0, -1, 501, "all"])
    async def test_a_batch_has_bounds(self, api: httpx.AsyncClient, due: list[str], batch: Any) -> None:
        errors = problem(await api.post(f"{URL}/purge", params={"batch": batch}), 400, "invalid_request")
        assert "/query/batch" in errors
        assert len((await api.get("/api/executions")).json()["items"]) == 5


class TestHold:
    @pytest.mark.parametrize("status", [Status.RUNNING, *ENDED])
    async def test_at_any_state_and_twice_in_a_row(
        self, api: httpx.AsyncClient, services: Services, status: Status
    ) -> None:
        path = f"/api/executions/{await make(services, 'one', 1, status=status)}"
        before = (await api.get(path)).json()
        assert before["hold"] is None
        first = await api.post(f"{path}/hold", json={"reason": " a law suit "})
        assert first.status_code == 200
        assert first.json()["hold"].items() >= {"reason": "a law suit", "by": "ann"}.items()
        again = await api.post(f"{path}/hold", json={"reason": "a law suit"})
        assert (again.status_code, again.json()) == (200, first.json())
        problem(await api.post(f"{path}/hold", json={"reason": "another"}), 409, "conflict")
        assert (await api.get(path)).json() == first.json()
        for _ in range(2):
            released = await api.post(f"{path}/release")
            assert (released.status_code, released.json()) == (200, before)

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 501}, {"reason": 1}])
    async def test_a_reason_is_needed(self, api: httpx.AsyncClient, execution: str, body: Any) -> None:
        errors = problem(await api.post(f"/api/executions/{execution}/hold", json=body), 400, "invalid_request")
        assert "/reason" in errors
        assert (await api.get(f"/api/executions/{execution}")).json()["hold"] is None

    async def test_one_that_is_not_there(self, api: httpx.AsyncClient) -> None:
        for id in ("0" * 32, "nonsense"):
            problem(await api.post(f"/api/executions/{id}/hold", json={"reason": "why"}), 404, "not_found")
            problem(await api.post(f"/api/executions/{id}/release"), 404, "not_found")
            problem(await api.delete(f"/api/executions/{id}"), 404, "not_found")


class TestDelete:
    @pytest.mark.parametrize("status", ENDED)
    async def test_an_ended_one_is_gone_with_all_it_left(
        self, api: httpx.AsyncClient, services: Services, durable: FakeDurable, status: Status
    ) -> None:
        id = await make_whole(services, "one", 0, status=status)
        durable.chats[f"{id}:talk"] = {"turns": 1, "window": []}
        path = f"/api/executions/{id}"
        assert (await api.get(f"{path}/chats/talk")).status_code == 200
        answer = await api.delete(path)
        assert (answer.status_code, answer.content) == (204, b"")
        problem(await api.delete(path), 404, "not_found")
        for below in ("", "/events", "/chats/talk"):
            problem(await api.get(path + below), 404, "not_found")
        assert (await api.get("/api/executions")).json()["items"] == []
        assert durable.chats == {}
        assert id in durable.purged

    async def test_a_running_one_must_end_first(
        self, api: httpx.AsyncClient, services: Services, durable: FakeDurable, execution: str
    ) -> None:
        for _ in range(2):
            problem(await api.delete(f"/api/executions/{execution}"), 409, "conflict")
        assert (await api.get(f"/api/executions/{execution}")).json()["status"] == "running"
        assert durable.purged == []

    async def test_one_on_hold_must_be_released_first(self, api: httpx.AsyncClient, services: Services) -> None:
        path = f"/api/executions/{await make(services, 'one', 1)}"
        await api.post(f"{path}/hold", json={"reason": "a law suit"})
        for _ in range(2):
            problem(await api.delete(path), 409, "conflict")
        await api.post(f"{path}/release")
        assert (await api.delete(path)).status_code == 204

    async def test_one_that_a_running_retry_needs_is_kept(
        self, api: httpx.AsyncClient, services: Services, durable: FakeDurable, brief: str
    ) -> None:
        started = await api.post("/api/executions", json={"workflow": brief, "input": {"topic": "tea"}})
        path = started.headers["location"]
        await services.executions.end(
            "one", started.json()["id"], status=Status.FAILED, stop_reason=None, ended=created(started.json())
        )
        retry = (await api.post(f"{path}/retry")).headers["location"]
        problem(await api.delete(path), 409, "conflict")
        await services.executions.end(
            "one", retry.rpartition("/")[2], status=Status.FAILED, stop_reason=None, ended=created(started.json())
        )
        assert (await api.delete(path)).status_code == 204
        problem(await api.post(f"{path}/retry"), 404, "not_found")
        assert (await api.get(retry)).json()["retry_of"] == path.rpartition("/")[2]

    async def test_its_idempotency_key_starts_another(
        self, api: httpx.AsyncClient, services: Services, brief: str
    ) -> None:
        start: dict[str, Any] = {
            "json": {"workflow": brief, "input": {"topic": "tea"}},
            "headers": {"Idempotency-Key": "k"},
        }
        first = (await api.post("/api/executions", **start)).json()
        await services.executions.end("one", first["id"], status=Status.FAILED, stop_reason=None, ended=created(first))
        assert (await api.post("/api/executions", **start)).json()["id"] == first["id"]
        await api.delete(f"/api/executions/{first['id']}")
        assert (await api.post("/api/executions", **start)).json()["id"] != first["id"]


def created(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(record["created"])
