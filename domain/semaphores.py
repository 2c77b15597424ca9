"""Turns at something that only so many calls may use at once: who has one, who waits, who is next. Pure.

Each tenant has a queue of its own, and the queues are served in turn: whoever asks for a thousand does not keep the
others waiting longer than one. A turn is lent until a time, so that a holder who is gone keeps nobody out for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from domain.base import Shape

LEASE = timedelta(minutes=15)
"""How long a turn is lent: longer than a call and its wait in the process that makes it."""
LOOK_AGAIN = timedelta(seconds=30)
"""After so long whoever waits asks again: the one who would have woken it may be gone."""


class Waiter(Shape):
    """Who waits for a turn, and how it is woken: which orchestrator, by which one-time event."""

    tenant: str
    instance: str
    event: str


class Wake(Shape):
    """Somebody has been given a turn and does not know it yet."""

    instance: str
    event: str


class Ask(Shape):
    """`id` names the call that asks; asking again, it keeps its turn or its place. `limit` counts from now on."""

    id: str
    limit: int
    now: datetime
    waiter: Waiter


class Answer(Shape):
    """`position`: how many turns until its own, 1 for the next; 0: it has one. `wakes`: whom to tell."""

    position: int = 0
    wakes: tuple[Wake, ...] = ()


class Release(Shape):
    """The call is over, or does not wait any more."""

    id: str
    now: datetime


class Semaphore(Shape):
    """`holders`: until when, by id. `queues`: ids by tenant, in the order in which tenants are served."""

    limit: int = 1
    holders: dict[str, datetime] = Field(default_factory=dict)
    queues: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    waiters: dict[str, Waiter] = Field(default_factory=dict)

    def asked(self, ask: Ask) -> tuple[Semaphore, Answer]:
        state = self.model_copy(update={"limit": ask.limit})
        if ask.id not in state.holders:
            state = state._queued(ask)
        else:
            state = state.model_copy(update={"holders": {**state.holders, ask.id: ask.now + LEASE}})
        state, wakes = state._served(ask.now, ask.id)
        return state, Answer(position=state.position(ask.id), wakes=wakes)

    def released(self, release: Release) -> tuple[Semaphore, Answer]:
        holders = {id: until for id, until in self.holders.items() if id != release.id}
        state, wakes = self.model_copy(update={"holders": holders})._without(release.id)._served(release.now, None)
        return state, Answer(wakes=wakes)

    def position(self, id: str) -> int:
        """Which of those that wait it is; 0: none of them."""
        return next((place for place, waiting in enumerate(self._order(), start=1) if waiting == id), 0)

    def _queued(self, ask: Ask) -> Semaphore:
        tenant, waiters = ask.waiter.tenant, {**self.waiters, ask.id: ask.waiter}
        queue = self.queues.get(tenant, ())
        queue = queue if ask.id in queue else (*queue, ask.id)
        return self.model_copy(update={"queues": {**self.queues, tenant: queue}, "waiters": waiters})

    def _without(self, id: str) -> Semaphore:
        if id not in self.waiters:
            return self
        waiters = {other: waiter for other, waiter in self.waiters.items() if other != id}
        queues = {tenant: tuple(other for other in queue if other != id) for tenant, queue in self.queues.items()}
        return self.model_copy(
            update={"waiters": waiters, "queues": {tenant: queue for tenant, queue in queues.items() if queue}}
        )

    def _served(self, now: datetime, asking: str | None) -> tuple[Semaphore, tuple[Wake, ...]]:
        """Turns given to as many as there is room for; the one that asks is told anyway."""
        state = self.model_copy(update={"holders": {id: at for id, at in self.holders.items() if at > now}})
        wakes: list[Wake] = []
        while state.queues and len(state.holders) < state.limit:
            tenant, queue = next(iter(state.queues.items()))
            id, rest = queue[0], queue[1:]
            waiter = state.waiters[id]
            others = {other: waiting for other, waiting in state.queues.items() if other != tenant}
            state = state.model_copy(
                update={
                    "holders": {**state.holders, id: now + LEASE},
                    "queues": {**others, **({tenant: rest} if rest else {})},
                    "waiters": {other: one for other, one in state.waiters.items() if other != id},
                }
            )
            if id != asking:
                wakes.append(Wake(instance=waiter.instance, event=waiter.event))
        return state, tuple(wakes)

    def _order(self) -> Iterator[str]:
        queues = [list(queue) for queue in self.queues.values()]
        while queues:
            yield from [queue.pop(0) for queue in queues]
            queues = [queue for queue in queues if queue]


def operated(
    state: dict[str, Any] | None, operation: str, given: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The entity's state after the operation `ask` or `release`, and its answer. Raises `ValueError` for others."""
    semaphore = Semaphore.model_validate(state or {})
    if operation == "ask":
        after, answer = semaphore.asked(Ask.model_validate(given))
    elif operation == "release":
        after, answer = semaphore.released(Release.model_validate(given))
    else:
        raise ValueError(f"The semaphore entity knows `ask` and `release`, not {operation!r}.")
    return after.model_dump(mode="json"), answer.model_dump(mode="json")
