"""Executions that left something everywhere, and looking for what is still there of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from domain.events import Draft, EventType
from domain.executions import Execution, Status
from domain.retention import first_id_of
from domain.values import ARTIFACT_BYTES
from services.approvals import approval_id
from services.documents.base import Put
from services.eventlog import partition_of
from services.wiring import Services
from tests.support import stores

NOW = datetime(2026, 6, 15, tzinfo=UTC)
LARGE = "x" * (ARTIFACT_BYTES + 1)


class FakeHistories:
    """Takes notes. `there`: instances not purged yet; those that it was not told of are not there."""

    def __init__(self, *there: str, broken: bool = False) -> None:
        self.there = set(there)
        self.purged: list[str] = []
        self.signaled: list[tuple[str, str, str]] = []
        self.broken = broken

    async def purge_instance_history(self, instance_id: str) -> Any:
        if self.broken:
            raise Exception("the durable extension refuses")
        self.purged.append(instance_id)
        found = instance_id in self.there
        self.there.discard(instance_id)
        return SimpleNamespace(instances_deleted=int(found))

    async def signal_entity(self, entityId: Any, operation_name: str) -> None:
        self.signaled.append((entityId.name, entityId.key, operation_name))


async def make(services: Services, tenant: str, days: float, number: int = 0, **fields: Any) -> str:
    """Id of one that ended so many days ago; `fields` as in its record, `status` included, and `key`."""
    ended = NOW - timedelta(days=days)
    status, key = Status(fields.pop("status", Status.COMPLETED)), fields.pop("key", None)
    execution = Execution(
        id=f"{first_id_of(ended - timedelta(hours=1))}{number:020x}",
        tenant=tenant,
        workflow="w",
        workflow_version=1,
        plan="0" * 64,
        status=Status.RUNNING,
        started_by="me",
        created=ended - timedelta(hours=1),
        **{"input": {"q": 1}, **fields},
    )
    first = EventType.EXECUTION_STARTED
    started = Draft(id=first, type=first, time=execution.created, value=execution.input)
    await services.executions.create(execution, started, (key, "hash") if key else None)
    if status.is_ended:
        await services.executions.end(
            tenant, execution.id, status=status, stop_reason=None, ended=ended, output=execution.input
        )
    return execution.id


async def make_whole(services: Services, tenant: str, days: float, number: int = 0, **fields: Any) -> str:
    """Like `make`, and it left something everywhere where an execution can."""
    id = await make(services, tenant, days, number, **{"input": [LARGE], "key": f"key {number}", **fields})
    kinds = {"talk": "group_chat", "many": "map", "many[0]": "agent", "many[50]": "agent", "sub": "workflow"}
    steps = [
        Draft(id=f"{path}:s", type=EventType.STEP_STARTED, time=NOW, step=path, data={"kind": kind}, value=LARGE + path)
        for path, kind in kinds.items()
    ]
    await services.events.append(tenant, id, steps)
    await services.events.mark_watched(tenant, id)
    asked = [Put(approval_id(id, str(n)), {"execution": id}) for n in range(3)]
    await services.documents.write(f"{tenant}/approvals", asked)
    # As a crash between its end and the last writes leaves it.
    await services.documents.write("running", [Put(id, {"tenant": tenant})])
    await services.documents.write("wakes", [Put(f"{id}:0", {"tenant": tenant, "execution": id, "under": ""})])
    return id


def orchestrators(id: str) -> set[str]:
    """The durable instances of one that was made whole; its chat was run twice."""
    return {id, *(f"{id}.{path}" for path in ("talk", "talk~1", "many", "many[0]", "many[50]", "sub"))}


def traces(tmp_path: Path, id: str) -> set[str]:
    """Every document, entry and artifact of these services that mentions the execution."""
    state = tmp_path / "state"
    rows = {f"{row.partition} {row.id}" for row in stores.rows_in(state) if id in " ".join(row)}
    folders = {str(path) for path in state.rglob("*") if id in path.name}
    return rows | folders | {name for name in stores.artifacts_in(state) if id in name}


def everything(tmp_path: Path) -> set[tuple[str, ...]]:
    """All rows with their content, and all artifacts."""
    state = tmp_path / "state"
    return {*stores.rows_in(state), *((name,) for name in stores.artifacts_in(state))}


async def straggle(services: Services, tenant: str, id: str) -> None:
    """What an activity does that was under way when its execution was canceled."""
    late = Draft(id="late", type=EventType.CALL_COMPLETED, time=NOW, step="talk/turn[9]", value=LARGE)
    await services.events.append(tenant, id, [late])
    assert await services.documents.read_stream(partition_of(tenant, id), 0)
