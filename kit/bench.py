"""A state directory with its engine and its services, whose models and tools are given."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Self, cast

from api.controlling import send_event
from api.durable import DurableClient
from devhost.engine.clock import Clock, utc_now
from devhost.engine.engine import SqliteEngine
from devhost.engine.options import EngineOptions
from devhost.ports import InstanceStatus
from domain.approvals import Approval
from domain.events import Event
from domain.executions import Execution
from domain.values import Json
from kit.app import EngineClient, app_over
from services.approvals import decided
from services.models.client import ModelClient
from services.settings import Settings
from services.tools.client import ToolClient
from services.wiring import build

TENANT = "t1"
PATIENCE = 60.0
"""Seconds until what does not happen fails a test: enough on a busy machine, with stores at the end of a wire."""


class Bench:
    """Times are the engine's; waits are for events, not for time."""

    def __init__(
        self,
        state_dir: Path,
        model: ModelClient,
        clock: Clock = utc_now,
        environment: Mapping[str, str] | None = None,
        tools: ToolClient | None = None,
        options: EngineOptions | None = None,
    ) -> None:
        self.state_dir = state_dir
        self.settings = Settings.from_environment({**(environment or {}), "META_AGENTS_STATE_DIR": str(state_dir)})
        self.models = model
        self.clock = clock
        self.tools = tools
        self.options = options

    async def __aenter__(self) -> Self:
        self.state_dir.mkdir(parents=True, exist_ok=True)  # the services need none where they keep nothing in it
        built = build(self.settings)
        self.services = dataclasses.replace(built, models=self.models, tools=self.tools or built.tools)
        self.app = app_over(self.services, lambda: EngineClient(self.engine))
        self.engine = SqliteEngine(self.state_dir / "devhost.db", self.app, self.options, clock=self.clock)
        await self.engine.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.engine.stop()
        await self.services.close()
        self.app.close()

    @property
    def client(self) -> DurableClient:
        return cast(DurableClient, EngineClient(self.engine))

    async def ended(self, id: str, within: float = PATIENCE) -> Execution:
        """The record once the orchestration has completed; a failed orchestration fails the test."""
        status = await self.instance_ended(id, within)
        assert status.runtime_status == "Completed", status.output
        record = await self.services.executions.get(TENANT, id)
        assert record is not None
        return record

    async def instance_ended(self, id: str, within: float = PATIENCE) -> InstanceStatus:
        async with asyncio.timeout(within):
            while True:
                status = await self.engine.get_status(id, show_history=True)
                assert status is not None
                if status.runtime_status not in {"Pending", "Running"}:
                    return status
                await asyncio.sleep(0.005)

    async def send(self, id: str, name: str, value: Json = None) -> None:
        """Send an event to the execution."""
        record = await self.services.executions.get(TENANT, id)
        assert record is not None
        await send_event(self.services, self.client, record, name, value, "test", None)

    async def decide(self, approval: Approval, decision: str, by: str = "ann", comment: str = "") -> bool:
        """Whether nobody did before. Raises `ProblemError` for what is no option of the question."""
        services = self.services
        async with services.waits.change(EngineClient(self.engine), TENANT, approval.execution, approval.step):
            _, is_new = await services.approvals.settle(TENANT, approval.id, decided(by, decision, comment))
        return is_new

    async def log(self, id: str) -> list[Event]:
        return await self.services.events.read(TENANT, id, 0, 10_000)
