"""Schedules that are due: each time starts one execution, whatever is cut off, changed or wrong meanwhile."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api import sweeping
from api.durable import DurableClient
from api.sweeping import purge, start_due, sweep
from domain.executions import Execution
from domain.schedules import Schedule, ScheduleState
from services.schedules import StoredSchedule
from services.wiring import Services
from tests.api.conftest import AGENT, WORKFLOW, FakeDurable
from tests.services.remains import make

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
async def _known(brief: str) -> None:
    """Every test has the workflow `brief`."""


async def scheduled(services: Services, name: str = "hourly", tenant: str = "one", **fields: Any) -> None:
    """A schedule that was made at noon."""
    written = {"name": name, "workflow": "brief", "input": {"topic": name}, "cron": "0 * * * *", **fields}
    await services.schedules.create(tenant, Schedule.model_validate(written), NOON)


async def state_of(services: Services, name: str = "hourly") -> ScheduleState:
    stored = await services.schedules.get("one", name)
    assert stored is not None
    return stored.state


async def executions(services: Services, tenant: str = "one") -> list[Execution]:
    """Oldest first."""
    found, _ = await services.executions.list(tenant)
    return found[::-1]


async def test_each_time_starts_one_execution(services: Services, durable: FakeDurable) -> None:
    await scheduled(services)
    await start_due(services, durable, NOON + HOUR - MINUTE)
    assert durable.started == {}
    for _ in range(2):
        await start_due(services, durable, NOON + HOUR)
    await start_due(services, durable, NOON + 2 * HOUR)
    first, second = await executions(services)
    assert list(durable.started) == [first.id, second.id]
    assert (first.started_by, durable.started[first.id]["input"]) == ("schedule:hourly", {"v": {"topic": "hourly"}})
    state = await state_of(services)
    assert (state.last_due, state.last_execution, state.last_error) == (NOON + 2 * HOUR, second.id, None)
    assert state.next == NOON + 3 * HOUR


async def test_a_webhook_is_asked_for_as_the_schedule_says(
    services: Services, durable: FakeDurable, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scheduled(services, webhook={"url": "https://hooks.example.com/x", "events": ["failed"]})
    await start_due(services, durable, NOON + HOUR)
    error = (await state_of(services)).last_error
    assert error is not None
    assert "/webhook/url" in {detail.pointer for detail in error.details}  # this deployment lists no such host
    monkeypatch.setattr(services.webhooks, "refusal", lambda _: None)
    await start_due(services, durable, NOON + 2 * HOUR)
    [execution] = await executions(services)
    assert execution.webhook is not None
    assert (execution.webhook.url, execution.webhook.events) == ("https://hooks.example.com/x", ("failed",))


@pytest.mark.parametrize(("catch_up", "count"), [("skip", 0), ("last", 1), ("all", 9)])
async def test_what_was_missed_is_made_up_for_as_it_says(
    services: Services, durable: FakeDurable, catch_up: str, count: int
) -> None:
    await scheduled(services, catch_up=catch_up)
    for _ in range(2):
        await start_due(services, durable, NOON + 9.5 * HOUR)
    assert len(durable.started) == count
    assert (await state_of(services)).next == NOON + 10 * HOUR


class TestCutOff:
    """A crash at any point, and another sweep after it."""

    async def test_before_it_is_noted(
        self, services: Services, durable: FakeDurable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def killed(*_: object) -> bool:
            raise ConnectionAbortedError

        await scheduled(services, catch_up="all")
        with monkeypatch.context() as patched:
            patched.setattr(services.schedules, "advance", killed)
            await start_due(services, durable, NOON + 3 * HOUR)
        assert (await state_of(services)).last_due is None
        before = await executions(services)
        await start_due(services, durable, NOON + 3 * HOUR + MINUTE)
        assert await executions(services) == before
        assert len(before) == 3
        assert (await state_of(services)).last_execution == before[-1].id

    async def test_before_the_orchestration_is_started(
        self, services: Services, durable: FakeDurable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def killed(*_: object) -> None:
            raise ConnectionAbortedError

        await scheduled(services)
        with monkeypatch.context() as patched:
            patched.setattr("api.starting.start_or_discard", killed)
            await start_due(services, durable, NOON + HOUR)
        [recorded] = await executions(services)
        assert durable.started == {}
        await start_due(services, durable, NOON + HOUR + MINUTE)
        assert [execution.id for execution in await executions(services)] == [recorded.id]
        assert (await state_of(services)).last_execution == recorded.id

    async def test_and_changed_before_it_is_looked_at_again(
        self, services: Services, durable: FakeDurable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def killed(*_: object) -> bool:
            return False

        await scheduled(services)
        with monkeypatch.context() as patched:
            patched.setattr(services.schedules, "advance", killed)
            await start_due(services, durable, NOON + HOUR)
        changed = {"name": "hourly", "workflow": "brief", "input": {"topic": "else"}, "cron": "0 * * * *"}
        await services.schedules.put("one", Schedule.model_validate(changed), NOON + HOUR)
        await start_due(services, durable, NOON + HOUR + MINUTE)
        assert len(await executions(services)) == 1
        assert (await state_of(services)).last_error is None

    async def test_two_sweeps_at_once(self, services: Services, durable: FakeDurable) -> None:
        for number in range(12):
            await scheduled(services, f"s-{number}", catch_up="all")
        await asyncio.gather(*(start_due(services, durable, NOON + 2 * HOUR) for _ in range(3)))
        assert len(durable.started) == 24


class TestFailing:
    async def test_what_cannot_be_started_is_told_and_keeps_no_other_from_its_turn(
        self, services: Services, durable: FakeDurable, api: httpx.AsyncClient
    ) -> None:
        await scheduled(services, "gone", workflow="missing")
        await scheduled(services, "wrong", input={"topic": 5})
        await scheduled(services, "good")
        await start_due(services, durable, NOON + HOUR)
        assert len(durable.started) == 1
        items = {item["name"]: item for item in (await api.get("/api/schedules")).json()["items"]}
        assert items["gone"]["last_error"]["code"] == "not_found"
        assert items["wrong"]["last_error"]["details"][0]["pointer"] == "/input/topic"
        assert (items["gone"]["last_due"], items["gone"]["last_execution"]) == ("2026-05-04T13:00:00Z", None)
        assert items["good"]["last_error"] is None
        assert {item["next"] for item in items.values()} == {"2026-05-04T14:00:00Z"}

    async def test_mended_it_goes_on(self, services: Services, durable: FakeDurable, api: httpx.AsyncClient) -> None:
        await scheduled(services, workflow="later", input={"topic": "tea"})
        await start_due(services, durable, NOON + HOUR)
        await api.post("/api/workflows", json={**WORKFLOW, "name": "later"})
        await start_due(services, durable, NOON + HOUR + MINUTE)
        assert durable.started == {}
        await start_due(services, durable, NOON + 2 * HOUR)
        state = await state_of(services)
        assert (list(durable.started), state.last_error) == ([state.last_execution], None)

    async def test_a_failure_of_the_platform_is_tried_again(self, services: Services, durable: FakeDurable) -> None:
        await scheduled(services, catch_up="all")
        durable.refuses = True
        await start_due(services, durable, NOON + 3 * HOUR)
        state = await state_of(services)
        assert state.last_error is not None
        assert (state.last_error.code, state.next, state.since) == ("platform_failed", NOON + HOUR, NOON)
        durable.refuses = False
        await start_due(services, durable, NOON + 3 * HOUR + MINUTE)
        assert len(durable.started) == 3
        assert (await state_of(services)).last_error is None

    async def test_one_that_cannot_even_be_read(
        self,
        services: Services,
        durable: FakeDurable,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        await scheduled(services, "bad")
        await scheduled(services, "good")
        get = services.schedules.get

        async def damaged(tenant: str, name: str) -> StoredSchedule | None:
            if name == "bad":
                raise ValueError("what was written is not what it was")
            return await get(tenant, name)

        with monkeypatch.context() as patched:
            patched.setattr(services.schedules, "get", damaged)
            await start_due(services, durable, NOON + HOUR)
        assert [execution.started_by for execution in await executions(services)] == ["schedule:good"]
        assert "the schedule bad of one could not be dealt with" in caplog.text
        await start_due(services, durable, NOON + HOUR)
        assert len(durable.started) == 2


async def test_each_tenant_gets_its_own(services: Services, durable: FakeDurable, other: httpx.AsyncClient) -> None:
    await other.post("/api/agents", json=AGENT)
    await other.post("/api/workflows", json=WORKFLOW)
    for tenant in ("one", "two"):
        await scheduled(services, tenant=tenant)
    await start_due(services, durable, NOON + HOUR)
    assert [len(await executions(services, tenant)) for tenant in ("one", "two")] == [1, 1]
    assert {payload["tenant"] for payload in durable.started.values()} == {"one", "two"}


async def test_a_chore_that_fails_keeps_no_other_from_its_turn(
    services: Services, durable: FakeDurable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[datetime] = []

    async def fails(_: Services, __: DurableClient, ___: datetime) -> None:
        raise OSError("away")

    async def works(_: Services, __: DurableClient, now: datetime) -> None:
        done.append(now)

    monkeypatch.setattr(sweeping, "CHORES", {"first": fails, "second": works})
    with caplog.at_level(logging.ERROR), pytest.raises(ExceptionGroup):
        await sweep(services, durable, NOON)
    assert done == [NOON]
    assert "the sweep's first failed" in caplog.text


async def test_what_is_due_for_removal_is_purged_for_every_tenant(
    services: Services, durable: FakeDurable, api: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    due = [await make(services, tenant, 9_000) for tenant in ("one", "two")]
    kept = await make(services, "two", 8_999, status="failed")
    for client in (api, other):
        assert (await client.put("/api/retention", json={"completed": "P30D"})).status_code == 200
    await purge(services, durable)
    assert [await services.executions.get(tenant, id) for tenant, id in zip(("one", "two"), due, strict=True)] == [
        None,
        None,
    ]
    assert await services.executions.get("two", kept) is not None


def test_what_a_sweep_does() -> None:
    assert list(sweeping.CHORES) == ["schedules", "recovery", "budgets", "usage", "webhooks", "library", "telemetry"]
