"""Runs activities, HTTP calls and entity batches on the asyncio loop, and posts what came of them to the engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from devhost.engine import entities
from devhost.engine.entities import Batch, BatchFailed
from devhost.engine.errors import EngineStopped
from devhost.engine.http_call import HttpCaller
from devhost.engine.kernel import Kernel, failure
from devhost.engine.loop import Command
from devhost.engine.records import MessageKind, Task
from devhost.ports import App, FunctionFailed, UnknownFunction

log = logging.getLogger(__name__)


class Runner:
    """Work under way. Everything here happens on the loop that created it."""

    def __init__(self, app: App, post: Callable[[Command], None]) -> None:
        self._app = app
        self._post = post
        self._http = HttpCaller()
        self._under_way: dict[asyncio.Task[None], Task | Batch] = {}

    def start(self, tasks: list[Task], batches: list[Batch]) -> None:
        """Start committed work."""
        for task in tasks:
            self._track(task, self._run_task(task))
        for batch in batches:
            self._track(batch, self._run_batch(batch))

    async def stop(self, grace_seconds: float) -> list[Task | Batch]:
        """Let work end by itself for a while, cancel the rest and return it."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=grace_seconds)
        left = dict(self._under_way)
        for running in left:
            running.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._http.close()
        return list(left.values())

    def _track(self, work: Task | Batch, coroutine: Coroutine[Any, Any, None]) -> None:
        running = asyncio.get_running_loop().create_task(coroutine)
        self._under_way[running] = work
        running.add_done_callback(lambda done: self._under_way.pop(done, None))

    async def _run_task(self, task: Task) -> None:
        kind: MessageKind = "task_completed"
        payload: str | None
        try:
            if task.kind == "http":
                payload = await self._http.call(task.input or "{}")
            else:
                payload = await self._app.run_activity(task.name, task.input, task.key.instance_id)
        except FunctionFailed as failed:
            kind, payload = "task_failed", failure(failed.message, failed.details)
        except UnknownFunction as unknown:
            kind, payload = "task_failed", failure(str(unknown.args[0]))
        except Exception as error:  # a fault of the host's own: the instance must hear of it, not wait for ever
            log.exception("'%s' could not be run", task.name)
            kind, payload = "task_failed", failure(f"{task.name} failed: {type(error).__name__}: {error}")

        def finish(kernel: Kernel) -> None:
            kernel.work.done(task.key)
            kernel.answer(task.key, kind, payload)

        self._send(finish)

    async def _run_batch(self, batch: Batch) -> None:
        outcome = await _entity_outcome(self._app.run_entity(batch.entity.name, batch.context), batch)
        self._send(lambda kernel: entities.finish(kernel, batch, outcome))

    def _send(self, action: Callable[[Kernel], None]) -> None:
        try:
            self._post(Command(action))
        except EngineStopped:
            log.debug("a result came after the engine had stopped; the work is done again after the next start")


async def _entity_outcome(call: Awaitable[str], batch: Batch) -> str | BatchFailed:
    try:
        return await call
    except FunctionFailed as failed:
        return BatchFailed("FunctionFailed", failed.message)
    except UnknownFunction as unknown:
        return BatchFailed("UnknownFunction", str(unknown.args[0]))
    except Exception as error:  # a fault of the host's own: callers must hear of it, not wait for ever
        log.exception("entity %s could not be run", batch.entity)
        return BatchFailed(type(error).__name__, f"{batch.entity} failed: {type(error).__name__}: {error}")
