"""How resources call the API, and read its lists page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from meta_agents.operations import Operation
from meta_agents.results import Page

T = TypeVar("T")


class Call(Protocol):
    def __call__(self, operation: Operation[T], /) -> T: ...


def pages(fetch: Callable[[str | None], Page[T]]) -> Iterator[T]:
    continuation: str | None = None
    while True:
        page = fetch(continuation)
        yield from page.items
        continuation = page.continuation
        if continuation is None:
            return
