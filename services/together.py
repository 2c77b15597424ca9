"""Requests about one thing that come at the same time, done together: one reads and writes for all of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Together(Generic[Q, A]):
    """`work` does a batch of requests about one key, and gives for each an answer, or the exception to raise.

    What comes while a batch is under way is the next one: so one process never races with itself, and the busier it
    is, the fewer writes there are for each request.
    """

    def __init__(self, work: Callable[[str, Sequence[Q]], Awaitable[Sequence[A | Exception]]], most: int) -> None:
        self._work = work
        self._most = most
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
            answers = await self._work(key, [request for request, _ in batch])
        except Exception as error:  # whatever it is, it is for those who asked
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():  # whoever asked is gone
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
