"""How resources call the API, and read its lists page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from meta_agents.operations import Operation
from meta_agents.results import Page

T = TypeVar("T")


class AsyncCall(Protocol):
    async def __call__(self, operation: Operation[T], /) -> T: ...


async def pages(fetch: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    continuation: str | None = None
    while True:
        page = await fetch(continuation)
        for item in page.items:
            yield item
        continuation = page.continuation
        if continuation is None:
            return
