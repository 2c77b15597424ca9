"""Runs activities, HTTP calls and entity batches on the asyncio loop, and posts what came of them to the engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from devhost.engine import entities
from devhost.engine.entities import Batch, Failure
from devhost.engine.errors import EngineStopped
from devhost.engine.http_call import HttpCaller
from devhost.engine.kernel import Kernel, failed_payload
from devhost.engine.loop import Command
from devhost.engine.records import Task
from devhost.ports import App, FunctionFailed, UnknownFunction

log = logging.getLogger(__name__)


class Runner:
    """Work under way. Everything here happens on the loop that created it."""

    def __init__(self, app: App, post: Callable[[Command], None]) -> None:
        self._app = app
        self._post = post
        self._http = HttpCaller()
        self._under_way: dict[asyncio.Task[None], Task | Batch] = {}
        self._stopping = False

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
        self._stopping = True
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
        if task.kind == "http":
            outcome = await self._outcome(lambda: self._http.call(task.input or "{}"), task.name)
        else:
            outcome = await self._outcome(
                lambda: self._app.run_activity(task.name, task.input, task.key.instance_id), task.name
            )

        def finish(kernel: Kernel) -> None:
            kernel.work.done(task.key)
            if isinstance(outcome, Failure):
                kernel.answer(task.key, "task_failed", failed_payload(outcome.message, outcome.details))
            else:
                kernel.answer(task.key, "task_completed", outcome)

        self._send(finish)

    async def _run_batch(self, batch: Batch) -> None:
        outcome = await self._outcome(
            lambda: self._app.run_entity(batch.entity.name, batch.context), f"entity {batch.entity}"
        )
        self._send(lambda kernel: entities.finish(kernel, batch, outcome))

    async def _outcome(self, call: Callable[[], Awaitable[str]], what: str) -> str | Failure:
        """Whatever comes of a call. The instance must hear of it in every case, or it would wait for ever."""
        try:
            return await call()
        except FunctionFailed as failed:
            return Failure("FunctionFailed", failed.message, failed.details)
        except UnknownFunction as unknown:
            return Failure("UnknownFunction", str(unknown.args[0]))
        except asyncio.CancelledError as cancelled:
            if self._stopping:
                raise
            error: BaseException = cancelled  # the work's own doing, not ours
        except (Exception, SystemExit) as raised:
            error = raised
        log.error("%s could not be run", what, exc_info=error)
        return Failure(type(error).__name__, f"{what} failed: {type(error).__name__}: {error}")

    def _send(self, action: Callable[[Kernel], None]) -> None:
        try:
            self._post(Command(action))
        except EngineStopped:
            log.debug("a result came after the engine had stopped; the work is done again after the next start")
