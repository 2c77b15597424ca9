"""Webhooks that are still to be told that a budget has paused their execution: notes for the sweep."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from services.documents.base import Delete, Document, DocumentStore, Put
from services.documents.reading import everything

PARTITION = "webhooks.paused"
"""A partition that spans tenants."""


@dataclass(frozen=True)
class Untold:
    """`id` is the same for every attempt, `number` ≥ 1 counts them; `since` is when it paused."""

    id: str
    tenant: str
    execution: str
    since: datetime
    number: int
    due: datetime


class PauseHooks:
    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def note(self, tenant: str, execution: str, now: datetime) -> None:
        """Before it pauses: should it not come to that, nobody is told."""
        await self._put(Untold(f"{execution}-paused-{secrets.token_hex(4)}", tenant, execution, now, 1, now))

    async def due(self, now: datetime) -> list[Untold]:
        notes = [_read(note) for note in await everything(self._documents, PARTITION)]
        return [untold for untold in notes if untold.due <= now]

    async def again(self, untold: Untold, due: datetime) -> None:
        one = untold
        await self._put(Untold(one.id, one.tenant, one.execution, one.since, one.number + 1, due))

    async def forget(self, untold: Untold) -> None:
        await self._documents.write(PARTITION, [Delete(untold.id)])

    async def _put(self, untold: Untold) -> None:
        body = {**vars(untold), "since": untold.since.isoformat(), "due": untold.due.isoformat()}
        await self._documents.write(PARTITION, [Put(untold.id, body)])


def _read(note: Document) -> Untold:
    times = {name: datetime.fromisoformat(note.body[name]) for name in ("since", "due")}
    return Untold(**{**note.body, **times})
