"""Events that are sent to an execution by name: kept until a step that waits for one takes it, first come first."""

from __future__ import annotations

from domain.errors import Code, Fault, Problem, ProblemError, platform_failed
from domain.events import Draft, Event
from services.control import Controls, ended, state_of, unchanged
from services.documents.base import Conflict, Delete, Document, DocumentStore, Put
from services.eventlog import EventLog, partition_of
from services.waits import waiting_id

ATTEMPTS = 100
MOST_WAITING = 1_000
"""Events of one name that nobody has waited for yet."""


class Signals:
    def __init__(self, documents: DocumentStore, events: EventLog, controls: Controls) -> None:
        self._documents = documents
        self._events = events
        self._controls = controls

    async def send(self, tenant: str, execution: str, name: str, received: Draft) -> Event:
        """Log it and put it in the queue of its name; sent again with the same id, nothing changes.

        Raises `ProblemError` conflict when the execution has ended, or too many wait to be taken.
        """
        for _ in range(ATTEMPTS):
            document, queue, taken = await self._queue(tenant, execution, name)
            control = await self._controls.asked(tenant, execution)
            if state_of(control) in ("ended", "canceling"):
                raise ended()
            new = received.id not in queue and received.id not in taken.values()
            if new and len(queue) >= MOST_WAITING:
                raise ProblemError(_full(name))
            queued = [_put(name, document, [*queue, received.id], taken)] if new else []
            try:
                return (await self._events.append(tenant, execution, [received], unchanged(control), *queued))[0]
            except Conflict:
                continue
        raise ProblemError(platform_failed(f"Too many events {name!r} are sent to the execution at the same time."))

    async def take(self, tenant: str, execution: str, name: str, key: str) -> Event | None:
        """The earliest that nobody has taken, or the one that `key` took before; None when there is none."""
        for _ in range(ATTEMPTS):
            document, queue, taken = await self._queue(tenant, execution, name)
            id = taken.get(key) or (queue[0] if queue else None)
            if id is None:
                return None
            if key not in taken:
                put = _put(name, document, queue[1:], {**taken, key: id})
                try:
                    # It waits no longer: notes of what is over would be woken again and again.
                    await self._documents.write(partition_of(tenant, execution), [put, Delete(waiting_id(key))])
                except Conflict:
                    continue
            return (await self._events.get(tenant, execution, [id]))[id]
        raise ProblemError(platform_failed(f"Too many steps take events {name!r} at the same time."))

    async def taken_by(self, tenant: str, execution: str, name: str, key: str) -> Event | None:
        """The one that `key` has taken."""
        _, _, taken = await self._queue(tenant, execution, name)
        return (await self._events.get(tenant, execution, [taken[key]]))[taken[key]] if key in taken else None

    async def hand_over(self, tenant: str, execution: str, name: str, key: str, received: Draft) -> Event:
        """Log one that another execution received, and give it to `key`, unless that has one already."""
        for _ in range(ATTEMPTS):
            document, queue, taken = await self._queue(tenant, execution, name)
            if key in taken:
                return (await self._events.get(tenant, execution, [taken[key]]))[taken[key]]
            put = _put(name, document, queue, {**taken, key: received.id})
            try:
                return (await self._events.append(tenant, execution, [received], put, Delete(waiting_id(key))))[0]
            except Conflict:
                continue
        raise ProblemError(platform_failed(f"Too many steps take events {name!r} at the same time."))

    async def _queue(self, tenant: str, execution: str, name: str) -> tuple[Document | None, list[str], dict[str, str]]:
        document = await self._documents.get(partition_of(tenant, execution), _id(name))
        return document, *((document.body["queue"], document.body["taken"]) if document else ([], {}))


def _put(name: str, document: Document | None, queue: list[str], taken: dict[str, str]) -> Put:
    etag = document.etag if document else None
    return Put(_id(name), {"queue": queue, "taken": taken}, if_match=etag, if_absent=document is None)


def _id(name: str) -> str:
    return f"signals:{name}"


def _full(name: str) -> Problem:
    return Problem(
        code=Code.CONFLICT,
        message=f"{MOST_WAITING} events {name!r} wait already for a step that takes them.",
        action="Send fewer, or wait until some were taken.",
        fault=Fault.CALLER,
    )
