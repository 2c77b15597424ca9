"""Real services over a folder of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.events import Draft, EventType
from domain.executions import Execution, Status
from services.executions import new_execution_id
from services.settings import Settings
from services.wiring import Services, build

TENANT = "t1"


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    built = build(Settings(state_dir=tmp_path))
    yield built
    await built.close()


@pytest.fixture
async def execution(services: Services) -> Execution:
    """One that has just been started."""
    return await started(services)


async def started(services: Services) -> Execution:
    now = datetime.now(UTC)
    record = Execution(
        id=new_execution_id(), tenant=TENANT, workflow="w", workflow_version=1, plan="p", status=Status.RUNNING,
        input={"text": "hi"}, started_by="test", created=now,
    )  # fmt: skip
    first = Draft(id=EventType.EXECUTION_STARTED, type=EventType.EXECUTION_STARTED, time=now, value=record.input)
    return (await services.executions.create(record, first))[0]
