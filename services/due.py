"""The records that are due by a policy, oldest first: read a page at a time, however many there are."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from domain.executions import Status
from domain.retention import RetentionPolicy, Verdict, first_id_of, judge
from services.documents.base import Document, DocumentStore
from services.executions import without_payloads
from services.running import records_of

PAGE = 100


class Due:
    """`held` counts those met so far that would be due, were they not on hold."""

    def __init__(self, documents: DocumentStore, tenant: str, policy: RetentionPolicy, now: datetime) -> None:
        self.held = 0
        self._policy = policy
        self._now = now
        self._queues = [
            _Queue(documents, tenant, status, first_id_of(latest)) for status, latest in policy.latest_due(now).items()
        ]

    async def some(self, most: int) -> list[Document]:
        """The next ones; fewer than `most` only when there are no more."""
        found: list[Document] = []
        while len(found) < most and (record := await self._next()) is not None:
            match judge(without_payloads(record), self._policy, self._now):
                case Verdict.DUE:
                    found.append(record)
                case Verdict.HELD:
                    self.held += 1
                case Verdict.KEPT:
                    pass  # it began long ago, and ended only lately
        return found

    async def _next(self) -> Document | None:
        heads = [(head.id, queue) for queue in self._queues if (head := await queue.head()) is not None]
        return min(heads, key=lambda each: each[0])[1].take() if heads else None


class _Queue:
    """The records of one status that were made before `before` (an id), oldest first."""

    def __init__(self, documents: DocumentStore, tenant: str, status: Status, before: str) -> None:
        self._documents = documents
        self._tenant = tenant
        self._where = {"kind": "execution", "status": status.value}
        self._between = ("0", before)  # what is below has other things in it
        self._page: deque[Document] = deque()
        self._continuation: str | None = None
        self._ended = False

    async def head(self) -> Document | None:
        if not self._page and not self._ended:
            page, self._continuation = await self._documents.query(
                records_of(self._tenant),
                where=self._where,
                between=self._between,
                continuation=self._continuation,
                limit=PAGE,
            )
            self._page.extend(page)
            self._ended = self._continuation is None
        return self._page[0] if self._page else None

    def take(self) -> Document:
        return self._page.popleft()
