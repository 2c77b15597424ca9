"""Followers of executions within this process: each gets new events and deltas as they are made."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from enum import Enum
from threading import Lock
from types import TracebackType
from typing import Self

from domain.events import Delta, Event, EventType

ROOM = 1_000
"""Items that wait for a slow reader before it is sent back to the log."""
DELTA_ROOM = 500
"""Deltas are dropped from here on, to keep room for events."""


class Notice(Enum):
    REREAD = "reread"
    """You were too slow and missed events: read the log from the last offset you have."""


Item = Event | Delta | Notice
Topic = tuple[str, str]


class Subscription:
    """What one reader has yet to see: an asynchronous iterator, safe to time out on. Close it, or use it in `with`."""

    def __init__(self, bus: LocalBus, topic: Topic, only: Collection[EventType] | None) -> None:
        self._bus = bus
        self._topic = topic
        self._only = only
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[Item] = asyncio.Queue()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        return await self._waiting.get()

    async def next(self, seconds: float) -> Item | None:
        """The next item, or None after this long without one."""
        try:
            async with asyncio.timeout(seconds):
                return await self._waiting.get()
        except TimeoutError:
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._bus.remove(self._topic, self)

    def offer(self, items: Sequence[Event | Delta]) -> None:
        """Called on the publisher's loop or thread, which may be another than the reader's."""
        if self._loop.is_closed():
            self.close()  # its reader went away without a word
            return
        if self._only is not None:
            items = [item for item in items if isinstance(item, Event) and item.type in self._only]
        if items:
            self._loop.call_soon_threadsafe(self._take, tuple(items))

    def _take(self, items: tuple[Event | Delta, ...]) -> None:
        for item in items:
            if isinstance(item, Delta) and self._waiting.qsize() >= DELTA_ROOM:
                continue
            if self._waiting.qsize() >= ROOM:
                while not self._waiting.empty():
                    self._waiting.get_nowait()
                self._waiting.put_nowait(Notice.REREAD)
            self._waiting.put_nowait(item)


class LocalBus:
    def __init__(self) -> None:
        self._lock = Lock()
        self._subscriptions: defaultdict[Topic, set[Subscription]] = defaultdict(set)

    def subscribe(self, tenant: str, execution: str, *, only: Collection[EventType] | None = None) -> Subscription:
        """From now on; subscribe first and read the log then, and nothing is missed.

        `only`: events of these types, and no deltas.
        """
        topic = (tenant, execution)
        subscription = Subscription(self, topic, only)
        with self._lock:
            self._subscriptions[topic].add(subscription)
        return subscription

    def remove(self, topic: Topic, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions[topic].discard(subscription)
            if not self._subscriptions[topic]:
                del self._subscriptions[topic]

    def publish(self, tenant: str, execution: str, items: Sequence[Event | Delta]) -> None:
        """Never blocks and never fails."""
        with self._lock:
            subscriptions = list(self._subscriptions.get((tenant, execution), ()))
        for subscription in subscriptions:
            subscription.offer(items)
