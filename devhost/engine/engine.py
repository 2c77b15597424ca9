"""The durable engine as the rest of the host sees it: `devhost.ports.Engine` on a SQLite file."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from devhost.engine import control, database, entities, queries, rewinding
from devhost.engine.clock import Clock, utc_now
from devhost.engine.entities import Batch
from devhost.engine.entity_store import EntityStore
from devhost.engine.errors import EngineStopped
from devhost.engine.kernel import Kernel
from devhost.engine.loop import Command, EngineThread, Reply
from devhost.engine.options import EngineOptions
from devhost.engine.records import EntityId, Task
from devhost.engine.replay_speed import speed_up_replays
from devhost.engine.runner import Runner
from devhost.engine.store import Store
from devhost.ports import App, EntityStatus, InstanceQuery, InstanceStatus

T = TypeVar("T")


class SqliteEngine:
    """Implements `devhost.ports.Engine`. One per state file, whatever the process; the file is made when missing.

    `start` raises `StateFileInUse` or `StateFileUnusable`; everything else raises `EngineStopped` before `start`, after
    `stop`, and when the state file failed meanwhile.
    """

    def __init__(
        self, state_file: Path, app: App, options: EngineOptions | None = None, *, clock: Clock = utc_now
    ) -> None:
        self._state_file = state_file
        self._app = app
        self._options = options or EngineOptions()
        self._clock = clock
        self._thread: EngineThread | None = None
        self._runner: Runner | None = None
        self._lock: int | None = None
        self.failed = asyncio.Event()

    async def start(self) -> None:
        """Open the state file and take up everything that an earlier process left unfinished."""
        self._lock = database.lock_state_file(self._state_file)
        speed_up_replays()
        loop = asyncio.get_running_loop()
        thread = EngineThread(
            self._open_kernel,
            on_claimed=lambda tasks, batches: self._hand_over(loop, tasks, batches),
            on_failed=lambda: _tell(loop, self.failed),
        )
        self._runner = Runner(self._app, thread.post)
        thread.start()
        try:
            await asyncio.wrap_future(thread.opened)
        except BaseException as error:
            self._unlock()
            if isinstance(error, sqlite3.DatabaseError):
                raise database.unusable(self._state_file, error) from error
            raise
        self._thread = thread

    async def stop(self) -> None:
        """Stop starting work, let running work end for a moment, commit, and close the state file."""
        thread, runner, self._thread = self._thread, self._runner, None
        if thread is None or runner is None:
            return
        try:
            with suppress(EngineStopped):  # it failed before and said so then: what remains is to clean up
                await _ask(thread, thread.stop_claiming)
            left = await runner.stop(self._options.stop_grace_seconds)
            with suppress(EngineStopped):
                await _ask(thread, lambda kernel: _give_back(kernel, left))
        finally:
            await asyncio.to_thread(thread.stop)
            self._unlock()

    async def start_instance(
        self, name: str, instance_id: str | None, input_json: str | None, version: str | None = None
    ) -> str:
        return await self._do(lambda kernel: control.start(kernel, name, instance_id, input_json, version))

    async def get_status(self, instance_id: str, *, show_history: bool = False) -> InstanceStatus | None:
        return await self._do(lambda kernel: queries.status(kernel, instance_id, show_history=show_history))

    async def list_instances(self, query: InstanceQuery) -> tuple[list[InstanceStatus], str | None]:
        return await self._do(lambda kernel: queries.page(kernel, query))

    async def raise_event(self, instance_id: str, name: str, data_json: str | None) -> None:
        await self._do(lambda kernel: control.raise_event(kernel, instance_id, name, data_json))

    async def terminate(self, instance_id: str, reason: str) -> None:
        await self._do(lambda kernel: control.terminate(kernel, instance_id, reason))

    async def suspend(self, instance_id: str, reason: str) -> None:
        await self._do(lambda kernel: control.suspend(kernel, instance_id, reason))

    async def resume(self, instance_id: str, reason: str) -> None:
        await self._do(lambda kernel: control.resume(kernel, instance_id, reason))

    async def rewind(self, instance_id: str, reason: str) -> None:
        await self._do(lambda kernel: rewinding.rewind(kernel, instance_id, reason))

    async def restart(self, instance_id: str, *, new_id: bool) -> str:
        return await self._do(lambda kernel: control.restart(kernel, instance_id, new_id=new_id))

    async def purge(self, instance_id: str) -> int:
        return await self._do(lambda kernel: control.purge(kernel, instance_id))

    async def purge_many(self, query: InstanceQuery) -> int:
        return await self._do(lambda kernel: queries.purge_many(kernel, query))

    async def read_entity(self, name: str, key: str) -> str | None:
        return await self._do(lambda kernel: kernel.entities.state(EntityId.of(name, key)))

    async def signal_entity(self, name: str, key: str, operation: str, input_json: str | None) -> None:
        entity = EntityId.of(name, key)
        text = _operation_input(input_json)
        await self._do(lambda kernel: entities.send(kernel, entity, operation, text, None))

    async def list_entities(self, name: str | None = None, top: int = 100) -> list[EntityStatus]:
        return await self._do(lambda kernel: queries.entities(kernel, name, top))

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query that changes nothing on the engine thread, between turns: keep it short."""
        return await self._do(lambda kernel: query(kernel.store.connection))

    async def _do(self, action: Callable[[Kernel], T]) -> T:
        if self._thread is None:
            raise EngineStopped("the durable engine is not started")
        return await _ask(self._thread, action)

    def _open_kernel(self) -> Kernel:
        connection = database.open_database(self._state_file)
        return Kernel(Store(connection), EntityStore(connection), self._app, options=self._options, clock=self._clock)

    def _hand_over(self, loop: asyncio.AbstractEventLoop, tasks: list[Task], batches: list[Batch]) -> None:
        assert self._runner is not None  # noqa: S101 - made before the thread starts
        loop.call_soon_threadsafe(self._runner.start, tasks, batches)

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _tell(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody is left to tell
        loop.call_soon_threadsafe(event.set)


async def _ask(thread: EngineThread, action: Callable[[Kernel], T]) -> T:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    thread.post(Command(action, Reply(loop, future)))
    return await future


def _give_back(kernel: Kernel, left: list[Task | Batch]) -> None:
    for work in left:
        if isinstance(work, Batch):
            entities.give_back(kernel, work)
        else:
            kernel.store.take_back_start(work.key)


def _operation_input(text: str | None) -> str | None:
    """The SDK's clients send JSON text inside a JSON string; anything else would raise in the entity's `get_input`."""
    return text if text is None or isinstance(json.loads(text), str) else json.dumps(text)
