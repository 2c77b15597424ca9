"""A crash between recording an execution and starting it loses nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.durable import CLIENT
from api.recovery import EVERYTHING_AGAIN, SETTLED, RecoverLatest, RecoverOnce, recover
from api.starting import started
from domain.executions import Execution, Status
from domain.plans import Plan
from domain.workflows import Workflow
from services.wiring import Services, use
from tests.api.conftest import Carried, FakeDurable, finish, without


@pytest.fixture
async def cut_off(api: httpx.AsyncClient, execution: str, durable: FakeDurable) -> tuple[str, Any]:
    """An execution as a crash leaves it, recorded and not started; its id and what it should have started with."""
    return execution, durable.started.pop(execution)


async def test_it_is_started_as_it_would_have_been(
    services: Services, durable: FakeDurable, cut_off: tuple[str, Any]
) -> None:
    id, payload = cut_off
    assert await recover(services, durable) == 0
    # But for how far its log is known to have come: much may have been asked of it by now.
    assert durable.started == {id: without(payload, "head", "quiet")}
    assert await recover(services, durable) == 0


async def test_its_first_event_is_logged_once(
    api: httpx.AsyncClient, services: Services, durable: FakeDurable, cut_off: tuple[str, Any]
) -> None:
    template = await services.executions.get("one", cut_off[0])
    assert template is not None
    before = await services.events.read("one", cut_off[0], 0)
    await recover(services, durable)
    assert await services.events.read("one", cut_off[0], 0) == before
    assert started(template).value == {"topic": "tea"}


async def test_those_that_run_or_have_ended_are_left_alone(
    api: httpx.AsyncClient, services: Services, durable: FakeDurable, execution: str
) -> None:
    payload = durable.started[execution]
    await recover(services, durable)
    assert durable.started == {execution: payload}
    await finish(services, execution, Status.CANCELED)
    durable.started.clear()
    await recover(services, durable)
    assert durable.started == {}


async def test_one_that_cannot_be_started_does_not_keep_the_others_from_it(
    services: Services, durable: FakeDurable, cut_off: tuple[str, Any]
) -> None:
    record = await services.executions.get("one", cut_off[0])
    assert record is not None
    lost = record.model_copy(update={"id": "0" * 32, "plan": "0" * 64})
    await services.executions.create(lost, started(lost), None)
    assert await recover(services, durable) == 1
    assert list(durable.started) == [cut_off[0]]
    still = await services.executions.get("one", lost.id)
    assert still is not None
    assert still.status is Status.RUNNING


class TestLatest:
    async def test_the_first_time_and_every_hour_everything_else_what_came_since(
        self, services: Services, durable: FakeDurable
    ) -> None:
        recover_latest = RecoverLatest()
        now = datetime.now(UTC)
        old, recent, new = [await _recorded(services, now - age * SETTLED) for age in (900, 3, 0.5)]
        await recover_latest(services, durable, now)
        assert durable.started.keys() == {old, recent}  # whoever records the new one may still be about to start it
        durable.started.clear()
        await recover_latest(services, durable, now + SETTLED)
        assert durable.started.keys() == {new}
        durable.started.clear()
        await recover_latest(services, durable, now + 2 * SETTLED)
        assert durable.started.keys() == set()
        await recover_latest(services, durable, now + EVERYTHING_AGAIN)
        assert durable.started.keys() == {old, recent, new}

    async def test_what_failed_is_looked_at_again(self, services: Services, durable: FakeDurable) -> None:
        recover_latest = RecoverLatest()
        now = datetime.now(UTC)
        id = await _recorded(services, now - 3 * SETTLED)
        durable.refuses = True
        await recover_latest(services, durable, now)
        durable.refuses = False
        await recover_latest(services, durable, now + 9 * SETTLED)
        assert list(durable.started) == [id]


class TestFirstRequest:
    async def test_it_happens_once_in_a_process_unless_it_fails(
        self, services: Services, durable: FakeDurable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks = 0
        looked = asyncio.Event()

        async def running(since: datetime | None) -> list[Execution]:
            nonlocal looks
            looks += 1
            looked.set()
            if looks == 1:
                raise OSError("away")
            return []

        async def request(**scope: object) -> None:
            await once({"type": "http", **scope}, _unused, _unused)

        async def settle() -> None:
            async with asyncio.timeout(20):
                await looked.wait()
            looked.clear()
            for _ in range(3):
                await asyncio.sleep(0)  # lets the task that looked come to its end

        monkeypatch.setattr(services.executions, "running", running)
        once = RecoverOnce(_answer)
        await request()
        assert looks == 0
        for expected in (1, 2):
            await request(**{CLIENT: durable})
            await settle()
            assert looks == expected
        await request(**{CLIENT: durable})
        await asyncio.sleep(0)
        assert looks == 2

    async def test_nothing_is_started_where_another_region_is_active(
        self, services: Services, durable: FakeDurable
    ) -> None:
        await _recorded(services, datetime(2026, 1, 1, tzinfo=UTC))
        use(replace(services, settings=services.settings.model_copy(update={"standby": True})))
        once = RecoverOnce(_answer)
        for _ in range(2):
            await once({"type": "http", CLIENT: durable}, _unused, _unused)
            await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))
        assert durable.started == {}

    async def test_it_starts_what_was_cut_off(self, services: Services, durable: FakeDurable) -> None:
        id = await _recorded(services, datetime(2026, 1, 1, tzinfo=UTC))
        transport = httpx.ASGITransport(Carried(create_app(), durable))
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            await client.get("/api/health")
        async with asyncio.timeout(20):
            await durable.any_started.wait()
        assert durable.started[id]["tenant"] == "two"


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that does nothing."""


async def _unused(*_: object) -> Any:
    """Neither receives nor sends."""


async def _recorded(services: Services, created: datetime) -> str:
    """Id of an execution that was recorded at this time and never started."""
    workflow = Workflow.model_validate({"name": "w", "steps": [{"id": "a", "agent": "writer"}]})
    plan = Plan(workflow=workflow, workflow_version=None, agents={}, agent_versions={})
    execution = Execution(
        id=f"{int(created.timestamp() * 1_000):012x}{'0' * 20}",
        tenant="two",
        workflow="w",
        workflow_version=None,
        plan=await services.plans.save("two", plan),
        status=Status.RUNNING,
        input={},
        started_by="bob",
        created=created,
    )
    await services.executions.create(execution, started(execution), None)
    return execution.id
