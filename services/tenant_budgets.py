"""The budgets of tenants: what is defined, how it stands, and which executions wait for one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from domain.books import Account, has_room
from domain.tenant_budgets import MOST, Period, TenantBudget, matching
from services.accounts import Accounts, partition_of_budgets
from services.documents.base import Conflict, Delete, Document, DocumentStore, Put, beginning_with
from services.documents.reading import everything
from services.problems import conflict, precondition_failed

TENANTS = "budgets"
"""A partition that spans tenants: a mark for each that has, or had, budgets."""
REMEMBERED = 5.0
"""Seconds after which another process's change of a definition counts at the latest."""
_DEFINITION, _PAUSED = "budget:", "paused:"


@dataclass(frozen=True)
class StoredBudget:
    budget: TenantBudget
    updated: datetime
    by: str
    etag: str


@dataclass(frozen=True)
class Standing:
    """A budget in the period that is now."""

    period: Period
    account: Account


class TenantBudgets:
    def __init__(self, documents: DocumentStore, accounts: Accounts) -> None:
        self._documents = documents
        self._accounts = accounts
        self._known: dict[str, tuple[float, tuple[TenantBudget, ...]]] = {}

    async def all(self, tenant: str) -> list[StoredBudget]:
        """All of them, by name."""
        found = await everything(self._documents, partition_of_budgets(tenant), beginning_with(_DEFINITION))
        return [_stored(document) for document in found]

    async def get(self, tenant: str, name: str) -> StoredBudget | None:
        document = await self._documents.get(partition_of_budgets(tenant), _DEFINITION + name)
        return _stored(document) if document else None

    async def put(
        self, tenant: str, budget: TenantBudget, by: str, *, if_match: str | None = None, create_only: bool = False
    ) -> StoredBudget:
        """The budget as stored. Raises `ProblemError` precondition_failed; conflict when there are too many."""
        others = [stored for stored in await self.all(tenant) if stored.budget.name != budget.name]
        if len(others) >= MOST:
            raise conflict(f"There are {MOST} budgets already.", "Delete one that is not needed any more.")
        await self._documents.write(TENANTS, [Put(tenant, {"tenant": tenant})])
        id, updated = _DEFINITION + budget.name, datetime.now(UTC)
        body = {"definition": budget.model_dump(mode="json"), "updated": updated.isoformat(), "by": by}
        operation = Put(id, body, if_match=if_match, if_absent=create_only)
        written = await self._write(tenant, operation)
        return StoredBudget(budget, updated, by, written[id])

    async def delete(self, tenant: str, name: str, if_match: str | None = None) -> None:
        """What it has counted stays, should one of its name come again. Raises `ProblemError` precondition_failed."""
        await self._write(tenant, Delete(_DEFINITION + name, if_match=if_match))

    async def standing(self, tenant: str, budget: TenantBudget, now: datetime) -> Standing:
        period = budget.period_at(now)
        return Standing(period, await self._accounts.of(tenant, budget, period))

    async def counting(self, tenant: str, workflow: str, agent: str) -> Sequence[TenantBudget]:
        """The budgets that a call of this agent in this workflow counts towards.

        What another process has changed counts some seconds later: so that those without budgets pay nothing for them.
        """
        until, known = self._known.get(tenant, (0.0, ()))
        if monotonic() >= until:
            known = tuple(stored.budget for stored in await self.all(tenant))
            self._known[tenant] = monotonic() + REMEMBERED, known
        return matching(known, workflow, agent)

    async def tenants(self) -> list[str]:
        """Every tenant that has, or had, budgets."""
        return [mark.id for mark in await everything(self._documents, TENANTS)]

    async def note_paused(self, tenant: str, execution: str, budget: str) -> None:
        """Note, before it pauses, that the execution waits for the budget: so it is found when that has room."""
        note = Put(_PAUSED + execution, {"budget": budget})
        await self._documents.write(partition_of_budgets(tenant), [note])

    async def paused(self, tenant: str) -> dict[str, str]:
        """The budgets that have paused executions, or may have, by the execution's id."""
        notes = await everything(self._documents, partition_of_budgets(tenant), beginning_with(_PAUSED))
        return {note.id.removeprefix(_PAUSED): note.body["budget"] for note in notes}

    async def forget_paused(self, tenant: str, execution: str) -> None:
        await self._documents.write(partition_of_budgets(tenant), [Delete(_PAUSED + execution)])

    async def has_room(self, tenant: str, name: str, now: datetime) -> bool:
        """Whether those that the budget has paused may go on: it has room, or is there no more."""
        stored = await self.get(tenant, name)
        if stored is None:
            return True
        return has_room(stored.budget, (await self.standing(tenant, stored.budget, now)).account)

    async def _write(self, tenant: str, operation: Put | Delete) -> dict[str, str]:
        """The etags."""
        try:
            written = await self._documents.write(partition_of_budgets(tenant), [operation])
        except Conflict as error:
            raise precondition_failed(
                "The budget is no longer what you read.", "Read it again, redo your change on it, and send that."
            ) from error
        self._known.pop(tenant, None)
        return written.etags


def _stored(document: Document) -> StoredBudget:
    body = document.body
    budget = TenantBudget.model_validate(body["definition"])
    return StoredBudget(budget, datetime.fromisoformat(body["updated"]), body["by"], document.etag)
