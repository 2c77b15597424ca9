"""Requests about one thing that come at the same time, done together: one reads and writes for all of them."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from domain.errors import ProblemError, platform_failed
from services.documents.base import Conflict

Q = TypeVar("Q")
A = TypeVar("A")
ATTEMPTS = 100


class Together(Generic[Q, A]):
    """`work` does a batch of requests about one key, and gives for each an answer, or the exception to raise.

    What comes while a batch is under way is the next one: so one process never races with itself, and the busier it
    is, the fewer writes there are for each request. Where another process was first (`Conflict`), the batch is done
    anew; `too_many` is said to those who asked when others are first time and again.
    """

    def __init__(
        self, work: Callable[[str, Sequence[Q]], Awaitable[Sequence[A | Exception]]], most: int, too_many: str
    ) -> None:
        self._work = work
        self._most = most
        self._too_many = too_many
        self._waiting: dict[str, deque[tuple[Q, asyncio.Future[A]]]] = defaultdict(deque)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, key: str, request: Q) -> A:
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting[key].append((request, answer))
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._go_on(key))
        return await answer

    async def close(self) -> None:
        """Let what is under way come to its end."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _go_on(self, key: str) -> None:
        waiting = self._waiting[key]
        try:
            while waiting:
                batch = [waiting.popleft() for _ in range(min(self._most, len(waiting)))]
                await self._do(key, batch)
        finally:
            del self._tasks[key]
            del self._waiting[key]

    async def _do(self, key: str, batch: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._answers(key, [request for request, _ in batch])
        except Exception as error:  # whatever it is, it is for those who asked
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():  # whoever asked is gone
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _answers(self, key: str, requests: Sequence[Q]) -> Sequence[A | Exception]:
        for attempt in range(ATTEMPTS):
            try:
                return await self._work(key, requests)
            except Conflict:
                # Waiting by chance lets one of several processes through at a time.
                await asyncio.sleep(random.uniform(0, 0.002 * min(attempt, 20)))  # noqa: S311
        raise ProblemError(platform_failed(self._too_many))
