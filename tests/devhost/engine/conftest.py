"""What the engine's tests share: an app, a clock to be set by hand, and engines that are stopped afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devhost.engine.clock import utc_now
from devhost.engine.engine import SqliteEngine
from devhost.engine.options import EngineOptions
from devhost.engine.sdk_app import SdkApp
from devhost.ports import InstanceStatus


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The SDK tells app authors once that untyped payloads will go; these apps are untyped on purpose."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning"))


class ManualClock:
    """Time stands still until it is advanced. Any command to the engine makes it look at the clock again."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **delta: float) -> None:
        self.time += timedelta(**delta)


class Bench:
    """One state file, one app, one engine at a time."""

    def __init__(self, state_file: Path, app: SdkApp) -> None:
        self.state_file = state_file
        self.app = app
        self.clock: Callable[[], datetime] = utc_now
        self.options = EngineOptions(stop_grace_seconds=0.2)
        self._engine: SqliteEngine | None = None

    @property
    def engine(self) -> SqliteEngine:
        assert self._engine is not None
        return self._engine

    async def start(self) -> SqliteEngine:
        self._engine = SqliteEngine(self.state_file, self.app, self.options, clock=self.clock)
        await self._engine.start()
        return self._engine

    async def stop(self) -> None:
        if self._engine is not None:
            await self._engine.stop()
            self._engine = None

    async def restart(self) -> SqliteEngine:
        await self.stop()
        return await self.start()

    async def begin(self, name: str, value: Any = None, instance_id: str | None = None) -> str:
        """Start an instance as the SDK's client does: the input travels as JSON text inside a JSON string."""
        text = None if value is None else json.dumps(json.dumps(value))
        return await self.engine.start_instance(name, instance_id, text)

    async def until(
        self, instance_id: str, reached: Callable[[InstanceStatus], bool], within: float = 10
    ) -> InstanceStatus:
        """Poll the status until it is as wanted."""
        async with asyncio.timeout(within):
            while True:
                status = await self.engine.get_status(instance_id, show_history=True)
                assert status is not None
                if reached(status):
                    return status
                await asyncio.sleep(0.002)

    async def end_of(self, instance_id: str, within: float = 10) -> InstanceStatus:
        ended = {"Completed", "Failed", "Terminated"}
        return await self.until(instance_id, lambda status: status.runtime_status in ended, within)

    async def result(self, name: str, value: Any = None) -> Any:
        """Run an instance to its end and return its output; a failure fails the test."""
        status = await self.end_of(await self.begin(name, value))
        assert status.runtime_status == "Completed", status.output
        return None if status.output is None else json.loads(status.output)

    async def failure(self, name: str, value: Any = None) -> str:
        """Run an instance that must fail, and return why it did."""
        status = await self.end_of(await self.begin(name, value))
        assert status.runtime_status == "Failed", status
        return str(json.loads(status.output or ""))

    async def settle(self) -> None:
        """Let the engine do all it can without more time or messages."""
        for _ in range(20):
            await self.engine.get_status("-")
            await asyncio.sleep(0)


def events(status: InstanceStatus) -> list[dict[str, Any]]:
    """The history of a status as parsed events."""
    return [json.loads(text) for text in status.history or ()]


def event_types(status: InstanceStatus) -> list[int]:
    return [event["EventType"] for event in events(status)]


@pytest.fixture
def app() -> Iterator[SdkApp]:
    made = SdkApp()
    yield made
    made.close()


@pytest.fixture
async def bench(tmp_path: Path, app: SdkApp) -> AsyncIterator[Bench]:
    """A started engine on the wall clock."""
    made = Bench(tmp_path / "state.db", app)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def still(tmp_path: Path, app: SdkApp, clock: ManualClock) -> AsyncIterator[Bench]:
    """A started engine on a clock that stands still until the test advances it."""
    made = Bench(tmp_path / "state.db", app)
    made.clock = clock
    await made.start()
    yield made
    await made.stop()


Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


async def eventually(reached: Callable[[], bool], within: float = 10) -> None:
    """Wait until something outside the engine is as wanted."""
    async with asyncio.timeout(within):
        while not reached():  # noqa: ASYNC110 - what is waited for happens in other threads
            await asyncio.sleep(0.002)
