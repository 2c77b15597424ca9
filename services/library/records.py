"""The records of documents, and the vectors that were paid for: in one partition, so that both are written at once."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.library import DocumentStatus, IndexWork, LibraryDocument
from services.documents.base import (
    BATCH_OPERATIONS,
    Body,
    Delete,
    Document,
    DocumentStore,
    Operation,
    Put,
    beginning_with,
)
from services.embeddings.base import Vector

PENDING = "library"
"""The one partition that spans tenants: a mark for each upload that is not done with, for recovery."""
PAGE = 200

Page = tuple[list[LibraryDocument], str | None]


@dataclass(frozen=True)
class Stored:
    document: LibraryDocument
    etag: str


@dataclass(frozen=True)
class Mark:
    """An upload that is not done with, and since when."""

    work: IndexWork
    since: datetime


class Records:
    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def get(self, tenant: str, collection: str, name: str) -> Stored | None:
        found = await self._documents.get(_partition(tenant), _id(collection, name))
        return _stored(found) if found else None

    async def list(self, tenant: str, collection: str | None, limit: int, continuation: str | None = None) -> Page:
        """By collection and name; those that are being deleted are not there any more. Only the last page is empty."""
        between = beginning_with("document:" if collection is None else f"document:{collection}:")
        while True:
            found, continuation = await self._documents.query(
                _partition(tenant), between=between, continuation=continuation, limit=limit
            )
            documents = [_stored(one).document for one in found]
            there = [document for document in documents if document.status is not DocumentStatus.DELETING]
            if there or continuation is None:
                return there, continuation

    async def write(
        self,
        tenant: str,
        document: LibraryDocument,
        etag: str | None,
        vectors: Mapping[str, Vector] | None = None,
        space: str = "",
    ) -> Stored:
        """Create it, or replace the one of that etag, and keep vectors, by what they are of, in the same write.

        Raises `Conflict`.
        """
        kept = [Put(_vector_id(space, key), _vector_body(vector)) for key, vector in (vectors or {}).items()]
        id = _id(document.collection, document.name)
        put = Put(id, document.model_dump(mode="json"), if_match=etag, if_absent=etag is None)
        written = await self._documents.write(_partition(tenant), [put, *kept])
        return Stored(document, written.etags[id])

    async def delete(self, tenant: str, stored: Stored) -> None:
        """Raises `Conflict`."""
        id = _id(stored.document.collection, stored.document.name)
        await self._documents.write(_partition(tenant), [Delete(id, if_match=stored.etag)])

    async def vectors(self, tenant: str, space: str, keys: Sequence[str]) -> dict[str, Vector]:
        """Those that are kept, by what they are of."""
        found: dict[str, Vector] = {}
        for start in range(0, len(keys), PAGE):
            ids = {_vector_id(space, key): key for key in keys[start : start + PAGE]}
            kept = await self._documents.get_many(_partition(tenant), list(ids))
            found |= {ids[id]: base64.b64decode(document.body["vector"]) for id, document in kept.items()}
        return found

    async def keep(self, tenant: str, space: str, vectors: Mapping[str, Vector]) -> None:
        """Those of a document that is not there any more."""
        kept = [Put(_vector_id(space, key), _vector_body(vector)) for key, vector in vectors.items()]
        await self._documents.write(_partition(tenant), kept)

    async def forget_vectors(self, tenant: str) -> int:
        """Remove all of a tenant; how many there were. They are made, and paid for, again when needed."""
        removed = 0
        while True:
            found, _ = await self._documents.query(
                _partition(tenant), between=beginning_with("vector:"), limit=BATCH_OPERATIONS
            )
            if not found:
                return removed
            gone: list[Operation] = [Delete(document.id) for document in found]
            await self._documents.write(_partition(tenant), gone)
            removed += len(gone)

    async def mark(self, work: IndexWork) -> None:
        body: Body = {"work": work.model_dump(mode="json"), "since": datetime.now(UTC).isoformat()}
        await self._documents.write(PENDING, [Put(instance_of(work), body)])

    async def unmark(self, work: IndexWork) -> None:
        await self._documents.write(PENDING, [Delete(instance_of(work))])

    async def marks(self, continuation: str | None = None) -> tuple[Sequence[Mark], str | None]:
        found, more = await self._documents.query(PENDING, continuation=continuation, limit=PAGE)
        marks = [
            Mark(IndexWork.model_validate(document.body["work"]), datetime.fromisoformat(document.body["since"]))
            for document in found
        ]
        return marks, more


def new_upload(before: str | None) -> str:
    """An id that sorts after all that were given out before, whatever the clock does to that of the same document."""
    now = f"{time.time_ns():020d}"
    return f"{max(now, f'{int(before[:20]) + 1:020d}') if before else now}-{secrets.token_hex(4)}"


def instance_of(work: IndexWork) -> str:
    """Id of the orchestration that indexes an upload."""
    whole = "\n".join((work.tenant, work.collection, work.document, work.upload))
    return f"library-{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def artifacts_of(work: IndexWork) -> str:
    """Partition of what an upload has in the artifact store."""
    return f"{work.tenant}/library/{work.collection}/{work.document}/{work.upload}"


def _partition(tenant: str) -> str:
    return f"{tenant}/library"


def _id(collection: str, name: str) -> str:
    return f"document:{collection}:{name}"


def _vector_id(space: str, key: str) -> str:
    return f"vector:{hashlib.sha256(space.encode()).hexdigest()[:16]}:{key}"


def _vector_body(vector: Vector) -> Body:
    return {"vector": base64.b64encode(vector).decode()}


def _stored(found: Document) -> Stored:
    return Stored(LibraryDocument.model_validate(found.body), found.etag)
