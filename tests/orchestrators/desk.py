"""An operator's desk beside the bench: decides, controls, and lets time pass."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from api.controlling import cancel_execution, pause_execution, resume_execution
from domain.approvals import Approval
from domain.executions import Execution
from kit.clock import Clock
from tests.orchestrators.bench import TENANT, Bench


class Desk:
    """An operator's hold on a bench whose time stands still."""

    def __init__(self, bench: Bench, clock: Clock) -> None:
        self.bench = bench
        self.clock = clock
        self.client = bench.client

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
        return await self.bench.decide(approval, decision, by, comment)

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
