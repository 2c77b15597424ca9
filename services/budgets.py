"""The spending of an execution, kept in its own partition: what `domain.budgets` decides, made to last."""

from __future__ import annotations

from collections.abc import Sequence

from domain.budgets import Spending, reserve, settle
from domain.calls import Cap
from domain.usage import Usage
from services.documents.base import Document, DocumentStore, Put
from services.eventlog import partition_of

BUDGET = "budget"


class Budgets:
    """Each method gives the write that changes the spending; it conflicts when another call was first: ask again."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def reserving(self, tenant: str, execution: str, key: str, caps: Sequence[Cap], estimate: Usage) -> Put:
        """Raises `ProblemError` budget_exceeded."""
        document, spending = await self._spending(tenant, execution)
        return _put(document, reserve(spending, key, caps, estimate))

    async def settling(self, tenant: str, execution: str, key: str, usage: Usage) -> Put:
        document, spending = await self._spending(tenant, execution)
        return _put(document, settle(spending, key, usage))

    async def _spending(self, tenant: str, execution: str) -> tuple[Document | None, Spending]:
        document = await self._documents.get(partition_of(tenant, execution), BUDGET)
        return document, Spending.model_validate(document.body) if document else Spending()


def _put(document: Document | None, spending: Spending) -> Put:
    body = spending.model_dump(mode="json")
    return Put(BUDGET, body, if_match=document.etag if document else None, if_absent=document is None)
