"""Writes wait in line, partition by partition: while one group of them is under way, the next one gathers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from domain.errors import ProblemError, platform_failed
from services.cosmos.failures import CosmosFailure
from services.documents.base import BATCH_BYTES, BATCH_OPERATIONS, Conflict, Written
from services.documents.cosmos_plan import Work

PATIENCE_SECONDS = 0.005

Commit = Callable[[str, Sequence[Work]], Awaitable[Sequence[Written | Conflict]]]


@dataclass
class _Waiting:
    work: Work
    size: int
    patient: bool
    since: float = field(default_factory=monotonic)
    future: asyncio.Future[Written] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass
class _Line:
    waiting: deque[_Waiting] = field(default_factory=deque)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody who has no patience is in it."""


class Queue:
    """Needs a running loop, always the same."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._lines: dict[str, _Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def submit(self, partition: str, work: Work, size: int, *, patient: bool) -> asyncio.Future[Written]:
        """Done when the work is durable; canceled before its turn, it never is. `size`: bytes of its bodies."""
        if self._closed:
            raise ProblemError(platform_failed("The document store is closed."))
        waiting = _Waiting(work, size, patient)
        line = self._lines.get(partition)
        if line is None:
            line = self._lines[partition] = _Line()
            task = asyncio.create_task(self._serve(partition, line))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        line.waiting.append(waiting)
        if not patient:
            line.hurry.set()
        return waiting.future

    async def close(self) -> None:
        """Write what was submitted."""
        self._closed = True
        await asyncio.gather(*self._tasks)

    async def _serve(self, partition: str, line: _Line) -> None:
        while line.waiting:
            await _linger(line)
            group = _next_group(line)
            if group:
                await self._write(partition, group)
        del self._lines[partition]

    async def _write(self, partition: str, group: list[_Waiting]) -> None:
        try:
            outcomes = await self._commit(partition, [waiting.work for waiting in group])
        except CosmosFailure as failure:
            if len(group) > 1 and not failure.passing:
                for waiting in group:  # whichever of them it was, the others are done
                    await self._write(partition, [waiting])
                return
            for waiting in group:
                told = CosmosFailure(failure.problem, passing=failure.passing)
                told.__cause__ = failure
                _tell(waiting.future, told)
        except Exception as error:  # a fault of ours: those who wait must hear of it, and the line must go on
            for waiting in group:
                _tell(waiting.future, error)
        else:
            for waiting, outcome in zip(group, outcomes, strict=True):
                _tell(waiting.future, outcome)


async def _linger(line: _Line) -> None:
    """For those who are patient, others may come to share the transaction."""
    left = line.waiting[0].since + PATIENCE_SECONDS - monotonic()
    if not line.hurry.is_set() and left > 0:
        try:
            await asyncio.wait_for(line.hurry.wait(), left)
        except TimeoutError:
            return


def _next_group(line: _Line) -> list[_Waiting]:
    """As many as one transaction holds, in their order."""
    group: list[_Waiting] = []
    operations = size = 0
    while line.waiting:
        first = line.waiting[0]
        operations, size = operations + len(first.work), size + first.size
        if group and (operations > BATCH_OPERATIONS or size > BATCH_BYTES):
            break
        line.waiting.popleft()
        if first.future.cancelled():
            operations, size = operations - len(first.work), size - first.size
        else:
            group.append(first)
    if all(waiting.patient for waiting in line.waiting):
        line.hurry.clear()
    return group


def _tell(future: asyncio.Future[Written], outcome: Written | Exception) -> None:
    if future.cancelled():
        return  # whoever asked went away meanwhile; what was written stands
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
