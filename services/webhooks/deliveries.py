"""What came of each attempt to tell of an execution's end: small documents beside its log."""

from __future__ import annotations

from domain.webhooks import ATTEMPTS, Attempt
from services.documents.base import Conflict, DocumentStore, Put
from services.eventlog import partition_of


class Deliveries:
    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def get(self, tenant: str, execution: str, number: int) -> Attempt | None:
        found = await self._documents.get(partition_of(tenant, execution), _id(number))
        return Attempt.model_validate(found.body) if found else None

    async def attempts(self, tenant: str, execution: str) -> list[Attempt]:
        """All so far, in their order."""
        ids = [_id(number) for number in range(1, ATTEMPTS + 1)]
        found = await self._documents.get_many(partition_of(tenant, execution), ids)
        return [Attempt.model_validate(found[id].body) for id in ids if id in found]

    async def record(self, tenant: str, execution: str, attempt: Attempt) -> Attempt:
        """The attempt as it now stands: made twice at the same time, the first to be recorded counts."""
        body = attempt.model_dump(mode="json", exclude_defaults=True)
        try:
            await self._documents.write(
                partition_of(tenant, execution), [Put(_id(attempt.number), body, if_absent=True)]
            )
        except Conflict:
            return await self.get(tenant, execution, attempt.number) or attempt
        return attempt


def _id(number: int) -> str:
    return f"webhook:{number}"
