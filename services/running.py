"""Which executions may be running: what recovery, and all that counts or looks after those that run, goes through.

A mark beside each record, in the tenant's own partition, comes and goes in the record's own transactions. Which tenants
there are to look at says one partition that spans them all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from domain.retention import first_id_of
from services.documents.base import Delete, Document, DocumentStore, Put
from services.documents.reading import everything, some

TENANTS = "running"
"""The partition: a document for each tenant; and marks by the execution's id, which releases before 0.4.0 have left."""
SAID_AGAIN = timedelta(minutes=30)
"""How long a process takes it to be known that a tenant has executions."""
_TENANT, _MARK = "tenant:", "!running:"

Ids = list[str]
Marks = list[tuple[str, str]]
"""Ids of executions and their tenants, the oldest execution first."""


def records_of(tenant: str) -> str:
    """Partition of a tenant's records."""
    return f"{tenant}/executions"


def marked(id: str) -> Put:
    """Sorts before every execution, as idempotency keys do."""
    return Put(_MARK + id, {"kind": "running"})


def unmarked(id: str) -> Delete:
    return Delete(_MARK + id)


class Running:
    def __init__(self, documents: DocumentStore, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._documents = documents
        self._clock = clock
        self._said: dict[str, datetime] = {}

    async def announce(self, tenant: str) -> None:
        """Say, before its execution is recorded, that the tenant is one to look at: once in a while is enough."""
        now = self._clock()
        if tenant not in self._said or now - self._said[tenant] >= SAID_AGAIN:
            await self._documents.write(TENANTS, [Put(_TENANT + tenant, {"tenant": tenant, "said": now.isoformat()})])
            self._said[tenant] = now

    async def ids(self, tenant: str, since: datetime | None = None) -> Ids:
        """Those of one tenant, or of them those created since then; an id may be of one that has ended or is gone."""
        first, last = (_MARK + end for end in _between(since))
        own = await everything(self._documents, records_of(tenant), (first, last))
        return [mark.id.removeprefix(_MARK) for mark in own]

    async def all(self, since: datetime | None = None) -> Marks:
        """As `ids`, of all tenants."""
        found: Marks = []
        for document in await everything(self._documents, TENANTS):
            tenant = document.body["tenant"]
            if document.id.startswith(_TENANT):
                is_silent = since is not None and _said(document) < since - 2 * SAID_AGAIN
                found += [] if is_silent else [(id, tenant) for id in await self.ids(tenant, since)]
            elif since is None:
                found.append((document.id, tenant))
        return sorted(found)

    async def first(self, most: int, between: tuple[str, str] = ("0", "g")) -> Marks:
        """The oldest so many of all tenants, or of those with ids in between. It reads a page of each tenant's."""
        found: Marks = []
        for document in await everything(self._documents, TENANTS):
            tenant = document.body["tenant"]
            if document.id.startswith(_TENANT):
                page = await some(self._documents, records_of(tenant), (_MARK + between[0], _MARK + between[1]), most)
                found += [(mark.id.removeprefix(_MARK), tenant) for mark in page]
            elif between[0] <= document.id < between[1]:
                found.append((document.id, tenant))
        return sorted(found)[:most]

    async def earlier(self, tenant: str) -> Ids:
        """Those of the tenant that releases before 0.4.0 have marked."""
        marks = await everything(self._documents, TENANTS, _between(None))
        return [mark.id for mark in marks if mark.body["tenant"] == tenant]

    async def forget(self, tenant: str, id: str) -> None:
        """Remove a mark that was left."""
        await self._documents.write(records_of(tenant), [unmarked(id)])
        await self._documents.write(TENANTS, [Delete(id)])


def _between(since: datetime | None) -> tuple[str, str]:
    """Of ids, which are hexadecimal."""
    return "0" if since is None else first_id_of(since), "g"


def _said(document: Document) -> datetime:
    return datetime.fromisoformat(document.body["said"])
