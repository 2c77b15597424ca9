"""A tenant's library: documents sent, replaced, listed, taken away, and searched."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.errors import Code, ProblemError, not_found
from domain.library import DocumentStatus, IndexStep, IndexWork, LibraryDocument, LibrarySearch
from services.artifacts.base import ArtifactStore
from services.definitions import ATTEMPTS, check_preconditions
from services.documents.base import Conflict, DocumentStore
from services.embeddings.choosing import Embeddings
from services.library.index import Hit, PassageIndex, Sought, Source
from services.library.indexing import Indexing
from services.library.reading import sniffed
from services.library.records import Mark, Page, Records, Stored, artifacts_of, new_upload
from services.problems import conflict

PAGE = 200
SETTLED = timedelta(minutes=1)
"""Whoever marked an upload has started its work by then, or never will."""

Start = Callable[[IndexWork], Awaitable[None]]
"""Start the orchestration of an upload, unless it is there."""


@dataclass(frozen=True)
class Sent:
    """A document as its author sends it. `declared`: the media type that they say it has."""

    collection: str
    name: str
    content: bytes
    declared: str
    title: str | None
    by: str


@dataclass(frozen=True)
class Found:
    """The best first. `tokens` and `cost_usd` are what the question's own vector took."""

    hits: list[Hit]
    tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)


class Library:
    def __init__(
        self, documents: DocumentStore, artifacts: ArtifactStore, embeddings: Embeddings, index: PassageIndex
    ) -> None:
        self.records = Records(documents)
        self._artifacts = artifacts
        self._embeddings = embeddings
        self._index = index
        self._indexing = Indexing(self.records, artifacts, embeddings, index)

    async def put(
        self, tenant: str, sent: Sent, if_match: str | None = None, create_only: bool = False
    ) -> tuple[Stored, IndexWork | None]:
        """The document, and the work that is now to be started; None where the very same is there, or on its way.

        `if_match` is the id of an upload: what is there changes by itself while it is indexed.
        Raises `ProblemError`: invalid_request for what is no text; precondition_failed.
        """
        media_type, digest = sniffed(sent.content, sent.declared), hashlib.sha256(sent.content).hexdigest()
        space = await self._embeddings.space()
        for _ in range(ATTEMPTS):
            stored = await self._existing(tenant, sent.collection, sent.name)
            check_preconditions(sent.name, stored.document.upload if stored else None, if_match, create_only)
            if stored is not None and _is_same(stored.document, sent, digest, space):
                return stored, None
            upload = new_upload(stored.document.upload if stored else None)
            work = IndexWork(tenant=tenant, collection=sent.collection, document=sent.name, upload=upload)
            # Both before the record: what a crash leaves of them is found by the mark.
            await self.records.mark(work)
            content = await self._artifacts.put(artifacts_of(work), sent.content, media_type)
            made = _made(sent, stored, media_type=media_type, sha256=digest, upload=upload, content=content)
            try:
                return await self.records.write(tenant, made, stored.etag if stored else None), work
            except Conflict:
                await self._artifacts.drop(artifacts_of(work))
                await self.records.unmark(work)
        raise conflict("Others keep changing the document.", "Send it again.")

    async def get(self, tenant: str, collection: str, name: str) -> Stored:
        """Raises `ProblemError` not_found."""
        stored = await self.records.get(tenant, collection, name)
        if stored is None or stored.document.status is DocumentStatus.DELETING:
            raise ProblemError(not_found("document", name))
        return stored

    async def content(self, tenant: str, document: LibraryDocument) -> bytes:
        """As it was sent."""
        work = _work(tenant, document)
        return await self._artifacts.get(artifacts_of(work), document.content)

    async def list(self, tenant: str, collection: str, limit: int, continuation: str | None = None) -> Page:
        return await self.records.list(tenant, collection, limit, continuation)

    async def collections(self, tenant: str) -> dict[str, dict[str, int]]:
        """What is in each: documents, those that are ready, passages, bytes."""
        found: dict[str, dict[str, int]] = {}
        continuation: str | None = None
        while True:
            page, continuation = await self.records.list(tenant, None, PAGE, continuation)
            for document in page:
                sums = found.setdefault(document.collection, {"documents": 0, "ready": 0, "passages": 0, "bytes": 0})
                sums["documents"] += 1
                sums["ready"] += document.status is DocumentStatus.READY
                sums["passages"] += document.passages
                sums["bytes"] += document.bytes
            if continuation is None:
                return found

    async def delete(self, tenant: str, collection: str, name: str, if_match: str | None = None) -> None:
        """Take it away with all that was made of it. Raises `ProblemError`: not_found, precondition_failed."""
        for _ in range(ATTEMPTS):
            stored = await self.get(tenant, collection, name)
            check_preconditions(name, stored.document.upload, if_match, create_only=False)
            try:
                await self._delete(tenant, stored)
            except Conflict:
                continue
            return
        raise conflict("Others keep changing the document.", "Delete it again.")

    async def delete_collection(self, tenant: str, collection: str) -> int:
        """Take all its documents away; how many there were. Raises `ProblemError` not_found when there are none."""
        removed = 0
        while page := (await self.records.list(tenant, collection, PAGE))[0]:
            for document in page:
                try:
                    await self.delete(tenant, collection, document.name)
                except ProblemError as error:
                    if error.problem.code is not Code.NOT_FOUND:  # somebody else has just taken it away
                        raise
            removed += len(page)
        if not removed:
            raise ProblemError(not_found("collection", collection))
        return removed

    async def forget_vectors(self, tenant: str) -> int:
        """Remove the vectors that are kept for when the same text is sent again."""
        return await self.records.forget_vectors(tenant)

    async def search(self, tenant: str, collection: str, asked: LibrarySearch) -> Found:
        """Raises `ProblemError`: not_found for a collection without documents; what embedding raises."""
        page, _ = await self.records.list(tenant, collection, 1)
        if not page:
            raise ProblemError(not_found("collection", collection))
        space = await self._embeddings.space()
        found = Found([])
        vector = None
        if asked.mode != "text" and asked.query.strip():
            embedded = await self._embeddings.embed([asked.query])
            vector = embedded.vectors[0]
            found = Found([], embedded.tokens, embedded.cost_usd)
        sought = Sought(
            tenant, collection, asked.query, vector, space, asked.top, mode=asked.mode, documents=asked.documents
        )
        return Found(await self._index.search(sought), found.tokens, found.cost_usd)

    async def part(self, work: IndexWork) -> IndexStep:
        """The next part of indexing an upload."""
        return await self._indexing.part(work)

    async def recover(self, start: Start, now: datetime) -> None:
        """Start what was sent and never begun, and finish what was being deleted when the process ended."""
        continuation: str | None = None
        while True:
            marks, continuation = await self.records.marks(continuation)
            for mark in marks:
                if now - mark.since > SETTLED:
                    await self._recover(mark, start)
            if continuation is None:
                return

    async def close(self) -> None:
        await self._index.close()

    async def _recover(self, mark: Mark, start: Start) -> None:
        work = mark.work
        stored = await self.records.get(work.tenant, work.collection, work.document)
        if stored is not None and stored.document.upload == work.upload:
            if stored.document.status is DocumentStatus.DELETING:
                await self._finish_deleting(work.tenant, stored)
                return
            if stored.document.status is DocumentStatus.INDEXING:
                await start(work)
                return
        await self._indexing.part(work)  # which leaves nothing of it but what is in use

    async def _existing(self, tenant: str, collection: str, name: str) -> Stored | None:
        """The record to be replaced; one that is being deleted is out of the way first."""
        stored = await self.records.get(tenant, collection, name)
        if stored is None or stored.document.status is not DocumentStatus.DELETING:
            return stored
        await self._finish_deleting(tenant, stored)
        return None

    async def _delete(self, tenant: str, stored: Stored) -> None:
        work = _work(tenant, stored.document)
        await self.records.mark(work)
        gone = stored.document.model_copy(update={"status": DocumentStatus.DELETING})
        await self._finish_deleting(tenant, await self.records.write(tenant, gone, stored.etag))

    async def _finish_deleting(self, tenant: str, stored: Stored) -> None:
        document, work = stored.document, _work(tenant, stored.document)
        await self._index.remove(Source(tenant, document.collection, document.name, document.upload))
        for upload in (document.upload, *document.superseded):
            await self._artifacts.drop(artifacts_of(work.model_copy(update={"upload": upload})))
        try:
            await self.records.delete(tenant, stored)
        except Conflict:
            return  # somebody else finished it
        await self.records.unmark(work)


def _work(tenant: str, document: LibraryDocument) -> IndexWork:
    return IndexWork(tenant=tenant, collection=document.collection, document=document.name, upload=document.upload)


def _made(sent: Sent, stored: Stored | None, **facts: Any) -> LibraryDocument:
    now, before = datetime.now(UTC), stored.document if stored else None
    return LibraryDocument(
        collection=sent.collection,
        name=sent.name,
        title=sent.title,
        bytes=len(sent.content),
        by=sent.by,
        created=before.created if before else now,
        updated=now,
        tokens=before.tokens if before else 0,
        cost_usd=before.cost_usd if before else Decimal(0),
        superseded=(*before.superseded, before.upload) if before else (),
        **facts,
    )


def _is_same(document: LibraryDocument, sent: Sent, digest: str, space: str) -> bool:
    """Whether sending it again would change nothing. One that failed is tried again."""
    if document.status is DocumentStatus.FAILED or document.space not in (None, space):
        return False
    return document.sha256 == digest and (sent.title is None or sent.title == document.title)
