"""One part of the work of indexing a document: read and cut it, give some of its passages vectors, or publish it.

Each part is recorded when it is done, in the write that keeps what was paid for in it. So whenever the process is
killed, the next call goes on from there, and no passage's vector is bought twice by a tenant.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from domain import chunking
from domain.errors import Problem, ProblemError
from domain.library import ATTEMPTS, DocumentStatus, IndexStep, IndexWork, LibraryDocument, wait_after
from services.artifacts.base import ArtifactStore
from services.documents.base import Conflict
from services.embeddings.base import MOST_TEXTS, Embedded, Vector
from services.embeddings.choosing import Embeddings
from services.library.index import Passage, PassageIndex, Source
from services.library.reading import Read, read, unreadable
from services.library.records import Records, Stored, artifacts_of
from services.tokens.counting import Counter, counter_for

log = logging.getLogger("meta_agents.library")

MOST_PASSAGES = 20_000
"""Of one document."""
BATCHES = 8
"""Embedding calls of one part."""
AGAIN = 10

Prepared = dict[str, Any]
"""A passage, with the key of its vector and the text that the vector is of."""


class Indexing:
    def __init__(self, records: Records, artifacts: ArtifactStore, embeddings: Embeddings, index: PassageIndex) -> None:
        self._records = records
        self._artifacts = artifacts
        self._embeddings = embeddings
        self._index = index

    async def part(self, work: IndexWork) -> IndexStep:
        """Do the next part, whichever that is. What goes wrong is recorded, or waited for, and never raised."""
        stored = await self._records.get(work.tenant, work.collection, work.document)
        if stored is None or not _is_under_way(work, stored):
            await self._leave(work, stored)
            return IndexStep(done=True)
        try:
            return IndexStep(done=await self._next(work, stored))
        except Conflict:
            return IndexStep()  # it was replaced or deleted meanwhile: look again
        except ProblemError as error:
            return await self._failed(work, error.problem)

    async def _next(self, work: IndexWork, stored: Stored) -> bool:
        if stored.document.prepared is None or stored.document.space != await self._embeddings.space():
            await self._prepare(work, stored)
            return False
        prepared: list[Prepared] = json.loads(await self._artifacts.get(artifacts_of(work), stored.document.prepared))
        for _ in range(BATCHES):
            if stored.document.embedded >= len(prepared):
                return await self._publish(work, stored, prepared)
            stored = await self._embed(work, stored, prepared)
        return False

    async def _prepare(self, work: IndexWork, stored: Stored) -> None:
        document = stored.document
        content = await self._artifacts.get(artifacts_of(work), document.content)
        space = await self._embeddings.space()
        counter = await counter_for(space)
        title, prepared = await asyncio.to_thread(_prepared, document, content, counter)
        ref = await self._artifacts.put(artifacts_of(work), json.dumps(prepared).encode(), "application/json")
        change = {"prepared": ref, "space": space, "passages": len(prepared), "embedded": 0, "title": title}
        await self._records.write(work.tenant, _changed(document, change), stored.etag)

    async def _embed(self, work: IndexWork, stored: Stored, prepared: Sequence[Prepared]) -> Stored:
        document, space = stored.document, stored.document.space or ""
        batch = prepared[document.embedded : document.embedded + MOST_TEXTS]
        texts = {one["key"]: one["context"] + one["text"] for one in batch}
        known = await self._records.vectors(work.tenant, space, list(texts))
        missing = [key for key in texts if key not in known]
        change: dict[str, Any] = {"embedded": document.embedded + len(batch)}
        if not missing:
            return await self._records.write(work.tenant, _changed(document, change), stored.etag)
        found = await self._embeddings.embed([texts[key] for key in missing])
        change |= {"tokens": document.tokens + found.tokens, "cost_usd": _sum(document.cost_usd, found.cost_usd)}
        bought = dict(zip(missing, found.vectors, strict=True))
        try:
            return await self._records.write(work.tenant, _changed(document, change), stored.etag, bought, space)
        except Conflict:
            # Replaced or deleted while they were made. They are paid for: whatever becomes of the document, they stay.
            await self._keep(work, bought, space, found)
            raise

    async def _keep(self, work: IndexWork, bought: dict[str, Vector], space: str, found: Embedded) -> None:
        for _ in range(AGAIN):
            stored = await self._records.get(work.tenant, work.collection, work.document)
            if stored is None:
                break
            tokens, cost = stored.document.tokens + found.tokens, _sum(stored.document.cost_usd, found.cost_usd)
            paid = stored.document.model_copy(update={"tokens": tokens, "cost_usd": cost})
            with suppress(Conflict):
                await self._records.write(work.tenant, paid, stored.etag, bought, space)
                return
        await self._records.keep(work.tenant, space, bought)

    async def _publish(self, work: IndexWork, stored: Stored, prepared: Sequence[Prepared]) -> bool:
        document, space = stored.document, stored.document.space or ""
        keys = list(dict.fromkeys(one["key"] for one in prepared))
        vectors = await self._records.vectors(work.tenant, space, keys)
        if len(vectors) < len(keys):
            # Somebody had them forgotten meanwhile.
            await self._records.write(work.tenant, _changed(document, {"embedded": 0}), stored.etag)
            return False
        passages = [_passage(one, vectors[one["key"]]) for one in prepared]
        await self._index.publish(_source(work), space, passages)
        for upload in document.superseded:
            await self._artifacts.drop(artifacts_of(work.model_copy(update={"upload": upload})))
        change: dict[str, Any] = {"status": DocumentStatus.READY, "superseded": ()}
        await self._records.write(work.tenant, _changed(document, change), stored.etag)
        await self._records.unmark(work)
        return True

    async def _failed(self, work: IndexWork, problem: Problem) -> IndexStep:
        failures = work.failures + 1
        if problem.retryable and failures < ATTEMPTS:
            wait = max(wait_after(failures), problem.retry_after or 0)
            log.warning("%s in %s waits %.0f s: %s", work.document, work.collection, wait, problem.message)
            return IndexStep(wait=wait, failures=failures)
        stored = await self._records.get(work.tenant, work.collection, work.document)
        if stored is None or not _is_under_way(work, stored):
            return IndexStep()  # it was replaced or deleted meanwhile: look again
        change: dict[str, Any] = {"status": DocumentStatus.FAILED, "error": problem}
        try:
            await self._records.write(work.tenant, _changed(stored.document, change), stored.etag)
        except Conflict:
            return IndexStep()
        await self._records.unmark(work)
        return IndexStep(done=True)

    async def _leave(self, work: IndexWork, stored: Stored | None) -> None:
        """Nothing is to be left of an upload that another has taken the place of, or that was deleted."""
        is_deleted = stored is not None and stored.document.status is DocumentStatus.DELETING
        if stored is None or stored.document.upload != work.upload or is_deleted:
            await self._index.remove(_source(work), earlier=False)
            await self._artifacts.drop(artifacts_of(work))
        if not is_deleted:
            await self._records.unmark(work)


def _is_under_way(work: IndexWork, stored: Stored) -> bool:
    return stored.document.upload == work.upload and stored.document.status is DocumentStatus.INDEXING


def _prepared(document: LibraryDocument, content: bytes, counter: Counter) -> tuple[str, list[Prepared]]:
    """The title, and the passages as they are kept until they are published."""
    found = read(content, document.media_type)
    cut = chunking.passages(found.text, counter.count)
    if len(cut) > MOST_PASSAGES:
        raise unreadable(f"The document has more than {MOST_PASSAGES:,} passages.", "Send it in parts.")
    own = document.title or found.title
    prepared = [_prepared_passage(number, one, found, own, document.name) for number, one in enumerate(cut, start=1)]
    return own or document.name, prepared


def _prepared_passage(number: int, one: chunking.Passage, found: Read, own: str | None, name: str) -> Prepared:
    headings = list(dict.fromkeys((*([own] if own else []), *one.headings)))
    # The name is not embedded: the same text under another one has the same vector.
    text, context = found.text[one.start : one.end], " › ".join(headings) + "\n\n" if headings else ""
    return {
        "number": number,
        "title": " › ".join(headings) or name,
        "text": text,
        "start": one.start,
        "end": one.end,
        "page": bisect_right(found.pages, one.start) or None,
        "context": context,
        "key": hashlib.sha256((context + text).encode(errors="replace")).hexdigest(),
    }


def _passage(one: Prepared, vector: Vector) -> Passage:
    return Passage(**{key: one[key] for key in ("number", "title", "text", "start", "end", "page")}, vector=vector)


def _source(work: IndexWork) -> Source:
    return Source(work.tenant, work.collection, work.document, work.upload)


def _changed(document: LibraryDocument, change: dict[str, Any]) -> LibraryDocument:
    return document.model_copy(update={**change, "updated": datetime.now(UTC)})


def _sum(before: Decimal | None, more: Decimal | None) -> Decimal | None:
    return None if before is None or more is None else before + more
