"""Steps that are ended together, however many: each with its event and its mark, and taken back together."""

from __future__ import annotations

from datetime import UTC, datetime

from activities.canceling import perform_cancel
from domain.calls import CancelSteps
from domain.events import Draft, EventType
from domain.executions import Execution
from services.control import canceled_id
from services.eventlog import partition_of
from services.wiring import Services
from tests.activities.conftest import TENANT
from tests.activities.far import Nobody

MANY = 201


async def test_more_than_one_write_holds(services: Services, execution: Execution) -> None:
    paths, now = tuple(f"m[{number}]" for number in range(MANY)), datetime.now(UTC)
    before = tuple(
        Draft(id=f"{path}:{EventType.STEP_STARTED}", type=EventType.STEP_STARTED, time=now, step=path) for path in paths
    )
    about = {"tenant": TENANT, "execution": execution.id, "key": "m:cancel", "step": "m", "events": before}
    events = await perform_cancel(CancelSteps(**about, paths=paths, reason="late", time=now), services, Nobody())
    assert [event.step for event in events] == [*paths, *paths]
    log = await services.events.read(TENANT, execution.id, 0, 1_000)
    assert [event.id for event in log[1:]] == [event.id for event in events]
    marks = [canceled_id(path) for path in paths]
    partition = partition_of(TENANT, execution.id)
    assert (await services.documents.get_many(partition, marks)).keys() == {*marks}
    unmark = await services.controls.unmarking(TENANT, execution.id, "m")
    await services.events.append(TENANT, execution.id, [], *unmark)
    assert await services.documents.get_many(partition, marks) == {}
