"""host.json's `functionTimeout`: ends the wait for a function that has been running for too long.

An async function is cancelled. Nothing can end a thread, so a sync function goes on: its thread is written off, and the
pool gets another in its place. (Azure ends the whole worker process, and with it all else that runs there.)
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Generic, TypeVar

log = logging.getLogger("devhost")

T = TypeVar("T")

_HOST_CODE = str(Path(__file__).parent)


class FunctionTimeout(Exception):
    """A function ran for longer than host.json allows."""


class FunctionPool(ThreadPoolExecutor):
    """The threads that sync functions run in."""

    def __init__(self, size: int | None = None) -> None:
        super().__init__(size, thread_name_prefix="function")

    def write_off_thread(self) -> None:
        """Have one more thread: one of those there may never come back."""
        self._max_workers += 1
        self.submit(_nothing)  # a pool starts threads only when it is given something to do


class TimeLimit:
    """How long a function may run; None is for ever."""

    def __init__(self, length: timedelta | None = None) -> None:
        self._length = length
        self._seconds = None if length is None else length.total_seconds()

    async def on_loop(self, name: str, outcome: Awaitable[T]) -> T:
        """What comes of an async function. Raises `FunctionTimeout` when it has ended after its cancellation."""
        try:
            async with asyncio.timeout(self._seconds) as limit:
                return await outcome
        except TimeoutError as error:
            if limit.expired():
                raise self._timeout(name) from error
            raise

    async def in_pool(self, name: str, pool: FunctionPool, call: Callable[[], T]) -> T:
        """What comes of a sync function. The time counts from when a thread takes it up. Raises `FunctionTimeout`."""
        context, loop = contextvars.copy_context(), asyncio.get_running_loop()
        if self._seconds is None:
            return await loop.run_in_executor(pool, context.run, call)
        run = _Run(call, loop)
        waiting = loop.run_in_executor(pool, context.run, run)
        watch = _Watch(run, waiting, self._seconds)
        try:
            return await waiting
        except asyncio.CancelledError:
            if not watch.expired:
                raise
            pool.write_off_thread()
            log.error("%s cannot be stopped: its thread is left to itself. It is here:\n%s", name, run.place())
            raise self._timeout(name) from None
        finally:
            watch.end()

    def _timeout(self, name: str) -> FunctionTimeout:
        return FunctionTimeout(f"Timeout value of {self._length} exceeded by function '{name}'")


class _Run(Generic[T]):
    """A call that notes when and where it begins."""

    def __init__(self, call: Callable[[], T], loop: asyncio.AbstractEventLoop) -> None:
        self._call = call
        self._loop = loop
        self._thread = 0
        self.begun: float | None = None

    def __call__(self) -> T:
        self._thread = threading.get_ident()
        self.begun = self._loop.time()
        return self._call()

    def place(self) -> str:
        """Where in the user's code its thread is."""
        frames = traceback.extract_stack(sys._current_frames()[self._thread])
        while any(frame.filename.startswith(_HOST_CODE) for frame in frames):
            frames.pop(0)
        return "".join(frames.format()).rstrip()


class _Watch(Generic[T]):
    """Cancels the wait for a run once that has taken too long; one still in the queue has taken no time."""

    def __init__(self, run: _Run[T], waiting: asyncio.Future[T], seconds: float) -> None:
        self._run = run
        self._waiting = waiting
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(seconds, self._look)
        self.expired = False

    def _look(self) -> None:
        now = self._loop.time()
        due = (self._run.begun or now) + self._seconds
        if now >= due:
            self.expired = self._waiting.cancel()
        else:
            self._timer = self._loop.call_at(due, self._look)

    def end(self) -> None:
        self._timer.cancel()


def _nothing() -> None:
    pass
