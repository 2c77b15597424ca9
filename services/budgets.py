"""The spending of an execution, kept in its own partition: what `domain.budgets` decides, made to last."""

from __future__ import annotations

from collections.abc import Sequence

from domain.budgets import Spending, raised, reserve, settle
from domain.calls import Cap
from domain.caps import CapReached
from domain.errors import ProblemError, platform_failed
from domain.events import Draft, Event
from domain.policies import Amounts
from domain.usage import Usage
from services.control import Controls, ended, state_of, unchanged
from services.documents.base import Conflict, Document, DocumentStore, Put
from services.eventlog import EventLog, partition_of

BUDGET = "budget"
ATTEMPTS = 200


class Refused(CapReached):
    """`still`: a write that conflicts when anything about the budgets has changed since."""

    def __init__(self, error: CapReached, still: Put) -> None:
        super().__init__(error.problem, error.reached, pauses=error.pauses)
        self.still = still


class Budgets:
    """Reserving and settling give the write that changes the spending; it conflicts when another call was first: ask
    again.
    """

    def __init__(self, documents: DocumentStore, events: EventLog, controls: Controls) -> None:
        self._documents = documents
        self._events = events
        self._controls = controls

    async def reserving(
        self, tenant: str, execution: str, key: str, caps: Sequence[Cap], estimate: Usage, model: str
    ) -> Put:
        """Raises `ProblemError` budget_exceeded; a `Refused` where a budget is used up."""
        document, spending = await self._spending(tenant, execution)
        try:
            return _put(document, reserve(spending, key, caps, estimate, model))
        except CapReached as error:
            raise Refused(error, _put(document, spending)) from error

    async def settling(self, tenant: str, execution: str, key: str, usage: Usage) -> Put:
        document, spending = await self._spending(tenant, execution)
        return _put(document, settle(spending, key, usage))

    async def known(self, tenant: str, execution: str) -> Spending:
        """How the budgets of the execution stand."""
        return (await self._spending(tenant, execution))[1]

    async def raise_to(self, tenant: str, execution: str, cap: Cap, to: Amounts, said: Draft) -> list[Event]:
        """Raise the cap, and log that. Asked for what it is already, nothing is logged.

        Raises `ProblemError` conflict when the execution has ended; `ValueError` as `domain.budgets.raised`.
        """
        for _ in range(ATTEMPTS):
            document, spending = await self._spending(tenant, execution)
            control = await self._controls.asked(tenant, execution)
            if state_of(control) in ("ended", "canceling"):
                raise ended()
            changed = raised(spending, cap, to)
            if changed == spending:
                return []
            try:
                return await self._events.append(tenant, execution, [said], unchanged(control), _put(document, changed))
            except Conflict:
                continue
        raise ProblemError(platform_failed("Too many calls of the execution want its budget at the same time."))

    async def _spending(self, tenant: str, execution: str) -> tuple[Document | None, Spending]:
        document = await self._documents.get(partition_of(tenant, execution), BUDGET)
        return document, Spending.model_validate(document.body) if document else Spending()


def _put(document: Document | None, spending: Spending) -> Put:
    body = spending.model_dump(mode="json", exclude_defaults=True)
    return Put(BUDGET, body, if_match=document.etag if document else None, if_absent=document is None)
