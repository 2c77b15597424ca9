"""What waits in an execution, and how it is woken.

A strand that waits for more than its own work (time, a human, an event, the end of a pause) leaves a note: which
orchestrator it is in, and the name of a one-time external event. Whoever changes something writes that first, and then
raises the events of all notes; whoever leaves a note looks once more after that. So nobody waits for what is there.
Events carry nothing: whoever is woken looks again. One too many is harmless, and one too few is what the outbox is for:
a mark that something is about to change, removed when the events are raised, found by recovery if they were not.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from domain.calls import Action
from domain.errors import Fault, ProblemError
from domain.paths import is_within
from services.documents.base import Delete, Document, DocumentStore, Put
from services.eventlog import partition_of

log = logging.getLogger("meta_agents.waits")

OUTBOX = "wakes"
"""A partition that spans tenants: a mark for every change whose wakes may not have been raised."""
UNDER_WAY = timedelta(minutes=5)
"""A change is made within this time, or its process has ended."""
_KIND = "waiting"


class Waker(Protocol):
    """What is used of the durable client; its failures are bare `Exception`s."""

    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None: ...


def waiting_id(key: str) -> str:
    return f"waiting:{key}"


def waiting(action: Action) -> Put:
    """Notes, in the same write as what it waits for, that the action's strand waits to be woken."""
    return _note(action.key, action.step, action.instance or action.execution, action.wake)


def waiting_to_finish(execution: str, wake: str) -> Put:
    return _note("finish", "", execution, wake)


def _note(key: str, step: str, instance: str, event: str) -> Put:
    return Put(waiting_id(key), {"kind": _KIND, "step": step, "instance": instance, "event": event})


class Waits:
    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    @asynccontextmanager
    async def change(self, client: Waker, tenant: str, execution: str, under: str = "") -> AsyncGenerator[None]:
        """Change inside what something may wait for; afterwards whatever waits in the step `under` is woken."""
        mark = f"{execution}:{secrets.token_hex(8)}"
        body = {"tenant": tenant, "execution": execution, "under": under, "time": datetime.now(UTC).isoformat()}
        await self._documents.write(OUTBOX, [Put(mark, body)])
        try:
            yield
        except ProblemError as error:
            if error.problem.fault is Fault.CALLER:  # refused: nothing has changed
                await self._documents.write(OUTBOX, [Delete(mark)])
            raise
        await self.wake(client, tenant, execution, under)
        await self._documents.write(OUTBOX, [Delete(mark)])

    async def wake(self, client: Waker, tenant: str, execution: str, under: str = "") -> None:
        """Raise the event of everything that waits in the step."""
        for document in await self._waiting(tenant, execution):
            if is_within(document.body["step"], under):
                await _raise(client, document)

    async def anything(self, tenant: str, execution: str) -> bool:
        """Whether anything of the execution waits for a time, a human, an event, or the end of a pause."""
        found, _ = await self._documents.query(partition_of(tenant, execution), where={"kind": _KIND}, limit=1)
        return bool(found)

    async def recover(self, client: Waker) -> None:
        """Raise again what may not have been raised because a process ended in between."""
        continuation: str | None = None
        while True:
            marks, continuation = await self._documents.query(OUTBOX, continuation=continuation, limit=200)
            for mark in marks:
                await self.wake(client, mark.body["tenant"], mark.body["execution"], mark.body["under"])
                # A younger one may belong to a change that is just being made: whoever makes it removes it.
                if datetime.fromisoformat(mark.body["time"]) < datetime.now(UTC) - UNDER_WAY:
                    await self._documents.write(OUTBOX, [Delete(mark.id)])
            if continuation is None:
                return

    async def _waiting(self, tenant: str, execution: str) -> list[Document]:
        found: list[Document] = []
        continuation: str | None = None
        while True:
            page, continuation = await self._documents.query(
                partition_of(tenant, execution), where={"kind": _KIND}, continuation=continuation, limit=200
            )
            found.extend(page)
            if continuation is None:
                return found


async def _raise(client: Waker, document: Document) -> None:
    try:
        await client.raise_event(document.body["instance"], document.body["event"])
    except Exception:  # the SDK raises it bare, also for an instance that has ended: then nobody waits
        log.debug("%s could not be woken", document.body["instance"], exc_info=True)
