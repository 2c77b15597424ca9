"""An operator's desk beside the bench: decides, controls, and lets time pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from api.controlling import cancel_execution, pause_execution, resume_execution
from api.durable import DurableClient
from domain.approvals import Approval
from domain.executions import Execution
from services.approvals import decided
from tests.orchestrators.bench import TENANT, Bench, EngineClient


class Clock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Desk:
    """An operator's hold on a bench whose time stands still."""

    def __init__(self, bench: Bench, clock: Clock) -> None:
        self.bench = bench
        self.clock = clock
        self.client = cast(DurableClient, EngineClient(bench.engine))

    async def record(self, id: str) -> Execution:
        record = await self.bench.services.executions.get(TENANT, id)
        assert record is not None
        return record

    async def until_logged(self, id: str, type: str, number: int = 1) -> None:
        """Until the log has so many events of the type."""
        await self.bench.until(lambda: self._logged(id, type, number))

    async def _logged(self, id: str, type: str, number: int) -> bool:
        return sum(event.type == type for event in await self.bench.log(id)) >= number

    async def question(self, id: str) -> Approval:
        await self.until_logged(id, "approval.requested")
        [approval] = await self.bench.services.approvals.pending_of(TENANT, id)
        return approval

    async def decide(self, approval: Approval, decision: str, by: str = "ann", comment: str = "") -> bool:
        services = self.bench.services
        async with services.waits.change(self.client, TENANT, approval.execution, approval.step):
            _, is_new = await services.approvals.settle(TENANT, approval.id, decided(by, decision, comment))
        return is_new

    async def passes(self, id: str, time: timedelta, timers: int = 1, instance: str | None = None) -> None:
        """Let time pass, once the execution waits for it."""
        await self.bench.timers(instance or id, timers)
        self.clock.now += time
        # The engine sleeps until a timer is due by the time it knew: any command has it look at the clock again.
        await self.bench.engine.get_status(id)

    async def pause(self, id: str) -> None:
        await pause_execution(self.bench.services, await self.record(id), "ann")

    async def resume(self, id: str) -> None:
        await resume_execution(self.bench.services, self.client, await self.record(id), "ann")

    async def cancel(self, id: str) -> None:
        await cancel_execution(self.bench.services, self.client, await self.record(id), "ann")

    async def send(self, id: str, name: str, value: Any = None) -> None:
        await self.bench.send(id, name, value)
