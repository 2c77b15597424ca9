"""What goes wrong, when a test asks for it, and what was asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tests.cosmos.messages import Request, kind_of


class Fault(BaseModel):
    """Which requests it befalls (all of `operation`, `verb` and `path` that are given must fit), and how.

    `status`: that answer, with `sub_status` and `retry_after_ms`. `cut`: the connection is broken off. `delay`: the
    answer takes `seconds` longer. `when` of the first two: `before` anything is done; `after` it, so that the client
    cannot know; `midway` in the answer (only `cut`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["status", "cut", "delay"]
    operation: str | None = None
    verb: str | None = None
    path: str | None = Field(default=None, description="A piece of the decoded path.")
    nth: int = Field(default=1, ge=1, description="The first request that it befalls, of those that fit.")
    times: int = Field(default=1, ge=1)
    when: Literal["before", "after", "midway"] = "before"
    status: int = 503
    sub_status: int = 0
    retry_after_ms: int | None = None
    seconds: float = Field(default=0, ge=0)

    def fits(self, request: Request) -> bool:
        path = "/".join(request.parts)
        return (
            self.operation in (None, kind_of(request))
            and self.verb in (None, request.method)
            and (self.path is None or self.path in path)
        )


class Faults:
    def __init__(self) -> None:
        self._armed: list[tuple[Fault, list[int]]] = []

    def arm(self, fault: Fault) -> None:
        self._armed.append((fault, [0]))

    def clear(self) -> None:
        self._armed.clear()

    def befalling(self, request: Request) -> Fault | None:
        """The first that is due; each counts the requests that fit it."""
        due: Fault | None = None
        for fault, seen in self._armed:
            if fault.fits(request):
                seen[0] += 1
                if due is None and fault.nth <= seen[0] < fault.nth + fault.times:
                    due = fault
        return due

    def listed(self) -> list[dict[str, Any]]:
        return [{**fault.model_dump(), "seen": seen[0]} for fault, seen in self._armed]


class Late:
    """Requests that are answered later. Once let go, they go on at once: so none comes late into the next test."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._none = asyncio.Condition()
        self._is_letting_go = False

    @asynccontextmanager
    async def by(self, seconds: float) -> AsyncIterator[None]:
        let_go = asyncio.Event()
        self._waiting.add(let_go)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(let_go.wait(), seconds)
            yield
        finally:
            self._waiting.discard(let_go)
            async with self._none:
                self._none.notify_all()

    def let_go(self) -> None:
        self._is_letting_go = True
        for let_go in self._waiting:
            let_go.set()

    async def settled(self) -> None:
        """Wait for those that were let go."""
        if self._is_letting_go:
            self._is_letting_go = False
            async with self._none:
                await self._none.wait_for(lambda: not any(one.is_set() for one in self._waiting))


@dataclass(frozen=True)
class Recorded:
    """A request that was answered, or broken off (`status` 0). `charge` in request units."""

    operation: str
    method: str
    path: str
    partition: str | None
    status: int
    charge: float
    fault: str | None


class Records:
    """The last 100,000 requests."""

    def __init__(self) -> None:
        self._kept: deque[Recorded] = deque(maxlen=100_000)

    def add(self, request: Request, status: int, charge: float, fault: Fault | None) -> None:
        partition = request.headers.get("x-ms-documentdb-partitionkey")
        path, name = "/" + "/".join(request.parts), None if fault is None else f"{fault.kind} {fault.when}"
        kept = Recorded(kind_of(request), request.method, path, partition, status, round(charge, 2), name)
        self._kept.append(kept)

    def clear(self) -> None:
        self._kept.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(one) for one in self._kept]
