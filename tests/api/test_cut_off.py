"""A process that ends between any two writes of a start, an end or a cancel loses none: recovery does the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.finishing import perform_ending
from api.controlling import cancel_execution
from api.recovery import recover
from api.starting import start_or_discard, started
from domain import values
from domain.calls import Ending
from domain.events import TERMINAL
from domain.executions import Execution, Status, StopReason
from domain.plans import Plan
from domain.workflows import Workflow
from services import wiring
from services.documents.base import Operation, Written
from services.documents.sqlite import SqliteDocuments
from services.executions import new_execution_id
from services.settings import Settings
from services.wiring import Services, build
from tests.api.conftest import FakeDurable

T = "t1"
MOST = 12
"""Writes of any of these deeds, and more."""


class Killed(Exception):
    """The process has ended."""


class Mortal(SqliteDocuments):
    """Its process ends before the write after so many."""

    left: int | None = None

    async def write(self, partition: str, operations: Sequence[Operation], *, patient: bool = False) -> Written:
        if self.left is not None:
            if self.left == 0:
                raise Killed
            self.left -= 1
        return await super().write(partition, operations, patient=patient)


Deed = Callable[[Services, FakeDurable, str], Awaitable[object]]


async def _record(services: Services, id: str) -> Execution:
    workflow = Workflow.model_validate({"name": "w", "steps": [{"id": "a", "agent": "x"}]})
    plan = await services.plans.save(T, Plan(workflow=workflow, workflow_version=1, agents={}, agent_versions={}))
    return Execution(
        id=id, tenant=T, workflow="w", workflow_version=1, plan=plan, status=Status.RUNNING,
        input=None, started_by="test", created=datetime.now(UTC),
    )  # fmt: skip


async def _start(services: Services, durable: FakeDurable, id: str) -> None:
    record = await _record(services, id)
    execution, _ = await services.executions.create(record, started(record))
    await start_or_discard(services, durable, execution, await services.plans.load(T, execution.plan), head=1)


async def _finish(services: Services, durable: FakeDurable, id: str) -> None:
    reason = StopReason.FINISHED
    await perform_ending(Ending(tenant=T, execution=id, value=values.inline(1), stop_reason=reason), services)


async def _cancel(services: Services, durable: FakeDurable, id: str) -> None:
    record = await services.executions.get(T, id)
    assert record is not None
    await cancel_execution(services, durable, record, "ann")


async def _cancel_without(services: Services, durable: FakeDurable, id: str) -> None:
    """Its orchestration is gone."""
    durable.started.pop(id, None)
    await _cancel(services, durable, id)


@pytest.fixture
async def mortal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Services]:
    monkeypatch.setattr(wiring, "SqliteDocuments", Mortal)
    return lambda: build(Settings(state_dir=tmp_path))


@pytest.mark.parametrize("left", range(MOST))
@pytest.mark.parametrize("deed", [_start, _finish, _cancel, _cancel_without])
async def test_nothing_is_lost(deed: Deed, left: int, mortal: Callable[[], Services]) -> None:
    durable, id = FakeDurable(), new_execution_id()
    services = mortal()
    if deed is not _start:
        await _start(services, durable, id)
    services.documents.left = left  # type: ignore[attr-defined]
    try:
        await deed(services, durable, id)
    except Killed:
        await services.usage.close()
    await services.close()
    after = mortal()
    await recover(after, durable)
    record = await after.executions.get(T, id)
    log = await after.events.read(T, id, 0)
    if record is None:
        assert deed is _start
        assert durable.started == {}
    elif record.status is Status.CANCELED and deed is _cancel_without:
        assert [event.type in TERMINAL for event in log] == [False] * (len(log) - 1) + [True]
        await recover(after, durable)
        assert await after.executions.running() == []
    elif not record.status.is_ended:
        assert id in durable.started
        assert [one.id for one in await after.executions.running()] == [id]
    if deed is _finish:  # the platform gives the activity to another process
        await _finish(after, durable, id)
    if record is not None and (deed is _finish or record.status.is_ended):
        log = await after.events.read(T, id, 0)
        assert sum(event.type in TERMINAL for event in log) == 1
        assert log[-1].type in TERMINAL
        assert await after.executions.running() == []
    await after.close()
