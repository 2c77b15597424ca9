"""Many small writes, one fsync: a thread that runs all waiting pieces of work in one SQLite transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, Generic, TypeVar

from domain.errors import ProblemError, platform_failed

T = TypeVar("T")
PATIENCE_SECONDS = 0.005

_Outcome = tuple[Any, Exception | None]

MOST_AT_ONCE = 256
"""Pieces of work in one transaction: bounds how long the first of them waits for the last."""


class _Work(Generic[T]):
    def __init__(self, run: Callable[[sqlite3.Connection], T], patient: bool) -> None:
        self.run = run
        self.patient = patient
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()


class GroupCommit:
    """Owns `connection`. Each piece of work is atomic by itself: when one raises, the others are still written."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queue: SimpleQueue[_Work[Any] | None] = SimpleQueue()
        self._closed = False
        self._gate = Lock()
        self._thread = Thread(target=self._serve, name="documents-writer", daemon=True)
        self._thread.start()

    def submit(self, run: Callable[[sqlite3.Connection], T], *, patient: bool = False) -> asyncio.Future[T]:
        """Needs a running loop. The future is done when the work is on disk; canceled before it starts, it never is.

        `patient` work waits a moment for other work to share its transaction.
        """
        work = _Work(run, patient)
        with self._gate:
            if self._closed:
                raise ProblemError(platform_failed("The document store is closed."))
            self._queue.put(work)
        return work.future

    def close(self) -> None:
        """Write what was submitted, then end the thread and close the connection."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        open_for_more = True
        while open_for_more:
            group, open_for_more = self._next_group()
            self._commit([work for work in group if not work.future.cancelled()])
        self._connection.close()

    def _next_group(self) -> tuple[list[_Work[Any]], bool]:
        work = self._queue.get()
        group: list[_Work[Any]] = []
        patient_until = monotonic() + PATIENCE_SECONDS
        while work is not None:
            group.append(work)
            if len(group) == MOST_AT_ONCE:
                return group, True
            if not work.patient:
                patient_until = 0.0
            try:
                work = self._queue.get(timeout=max(0.0, patient_until - monotonic()))
            except Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Work[Any]]) -> None:
        if not group:
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(work) for work in group]
            self._connection.execute("COMMIT")
        except Exception as error:  # whatever it is, the waiting callers must hear of it, and the thread must live on
            self._fail(group, error)
            return
        # Only now may anyone act on it: it is on disk.
        _tell(group, outcomes)

    def _attempt(self, work: _Work[T]) -> tuple[T | None, Exception | None]:
        self._connection.execute("SAVEPOINT work")
        try:
            result = work.run(self._connection)
        except Exception as error:  # its submitter gets it; the rest of the group goes on
            if not self._connection.in_transaction:
                raise  # SQLite gave up the whole transaction: disk full, input/output error
            self._connection.execute("ROLLBACK TO work")
            self._connection.execute("RELEASE work")
            return None, error
        self._connection.execute("RELEASE work")
        return result, None

    def _fail(self, group: list[_Work[Any]], error: Exception) -> None:
        if self._connection.in_transaction:
            # Should even this fail, the next BEGIN does too, and its callers hear of it.
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        outcomes: list[_Outcome] = []
        for _ in group:
            failure = ProblemError(platform_failed(f"The document store could not be written: {error}."))
            failure.__cause__ = error
            outcomes.append((None, failure))
        _tell(group, outcomes)


def _tell(group: list[_Work[Any]], outcomes: list[_Outcome]) -> None:
    """Wake each loop once, however much of the group is its own."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], _Outcome]]] = defaultdict(list)
    for work, outcome in zip(group, outcomes, strict=True):
        by_loop[work.loop].append((work.future, outcome))
    for loop, done in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            loop.call_soon_threadsafe(_resolve, done)


def _resolve(done: list[tuple[asyncio.Future[Any], _Outcome]]) -> None:
    for future, (result, failure) in done:
        if future.cancelled():
            continue  # whoever asked went away meanwhile; what was written stands
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)
