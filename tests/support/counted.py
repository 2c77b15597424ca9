"""A document store that counts what reaches it, as a service would charge for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.documents.base import Append, Document, DocumentStore, Operation, Put, Scalar, Written


@dataclass(frozen=True)
class Counted:
    """One call that reached the store: `items` documents and entries, of so many `bytes` of JSON, went or came."""

    name: str
    partition: str
    items: int
    bytes: int


@dataclass
class CountedDocuments:
    """A store far away, whatever is behind it: what is saved by asking it less is saved here too."""

    inner: DocumentStore
    seen: list[Counted] = field(default_factory=list)
    is_near = False

    async def get(self, partition: str, id: str) -> Document | None:
        found = await self.inner.get(partition, id)
        self._note("get", partition, [found.body] if found else [])
        return found

    async def get_many(self, partition: str, ids: Sequence[str]) -> dict[str, Document]:
        found = await self.inner.get_many(partition, ids)
        self._note("get_many", partition, [document.body for document in found.values()])
        return found

    async def query(
        self,
        partition: str,
        *,
        where: Mapping[str, Scalar] | None = None,
        between: tuple[str, str] | None = None,
        descending: bool = False,
        continuation: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Document], str | None]:
        page = await self.inner.query(
            partition, where=where, between=between, descending=descending, continuation=continuation, limit=limit
        )
        self._note("query", partition, [document.body for document in page[0]])
        return page

    async def write(self, partition: str, operations: Sequence[Operation], *, patient: bool = False) -> Written:
        self._note("write", partition, [one.body for one in operations if isinstance(one, Put | Append)])
        return await self.inner.write(partition, operations, patient=patient)

    async def read_stream(self, partition: str, after: int, limit: int = 500) -> list[tuple[int, str, dict[str, Any]]]:
        page = await self.inner.read_stream(partition, after, limit)
        self._note("read_stream", partition, [body for _, _, body in page])
        return page

    async def drop(self, partition: str) -> None:
        self._note("drop", partition, [])
        await self.inner.drop(partition)

    async def close(self) -> None:
        await self.inner.close()

    def _note(self, name: str, partition: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        size = sum(len(json.dumps(body).encode()) for body in bodies)
        self.seen.append(Counted(name, partition, len(bodies), size))
