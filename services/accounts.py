"""What each period of a tenant's budgets has spent and reserved: reserved before a call, settled after it.

All calls of a process that ask at the same time are decided together and written at once, on condition that nobody else
wrote in between: the accounts are the one truth, whichever process asks (docs/decisions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.books import Account, Books, Held, Tally
from domain.errors import ProblemError
from domain.tenant_budgets import Period, TenantBudget
from domain.usage import Usage
from services.documents.base import BATCH_OPERATIONS, Delete, Document, DocumentStore, Operation, Put, beginning_with
from services.documents.reading import everything
from services.together import Together

LEASE = timedelta(minutes=10)
"""A call, and its wait for its turn, take so much longer than the time the model is given at the most."""
AT_ONCE = 40
"""Calls that are decided together."""
FORGOTTEN_AFTER = timedelta(days=1)
"""When a call that was given up is not waited for any more."""
_ACCOUNT, _HOLD = "account:", "hold:"


@dataclass(frozen=True)
class Asked:
    """To reserve for the call what `hold` says (in the accounts of `budgets`), to charge `usage`, or to give up."""

    id: str
    hold: Held | None = None
    budgets: tuple[tuple[str, TenantBudget], ...] = ()
    model: str = ""
    usage: Usage | None = None


class Accounts:
    def __init__(self, documents: DocumentStore, lease: timedelta) -> None:
        """`lease`: after so long nobody is taken to be making a call any more."""
        self._documents = documents
        self._lease = lease
        self._together = Together[Asked, bool](
            self._decide, AT_ONCE, "Too many processes want the tenant's budgets at the same time."
        )

    async def close(self) -> None:
        await self._together.close()

    async def of(self, tenant: str, budget: TenantBudget, period: Period) -> Account:
        document = await self._documents.get(partition_of_budgets(tenant), _account_id(budget, period))
        return Account.model_validate(document.body) if document else Account()

    async def reserve(
        self, tenant: str, execution: str, key: str, budgets: Sequence[TenantBudget], estimate: Usage, model: str
    ) -> None:
        """Hold what the call may use. Raises `ProblemError` budget_exceeded: a `CapReached` where one is used up."""
        now = datetime.now(UTC)
        accounts = tuple((_account_id(budget, budget.period_at(now)), budget) for budget in budgets)
        hold = Held(
            execution=execution,
            key=key,
            accounts=tuple(id for id, _ in accounts),
            tally=Tally.of(estimate),
            until=now + self._lease,
        )
        await self._together.ask(tenant, Asked(_hold_id(execution, key), hold, accounts, model))

    async def settle(self, tenant: str, execution: str, key: str, usage: Usage) -> None:
        """Charge what the call has used, if anything is held for it. Done again, it changes nothing."""
        await self._together.ask(tenant, Asked(_hold_id(execution, key), usage=usage))

    async def is_held(self, tenant: str, execution: str, key: str) -> bool:
        return await self._documents.get(partition_of_budgets(tenant), _hold_id(execution, key)) is not None

    async def overdue(self, tenant: str, now: datetime) -> list[Held]:
        """Holds of calls that nobody seems to be making any more; those given up long ago are forgotten."""
        found: list[Held] = []
        for document in await everything(self._documents, partition_of_budgets(tenant), beginning_with(_HOLD)):
            hold = Held.model_validate(document.body)
            if hold.released and hold.until < now - FORGOTTEN_AFTER:
                await self._documents.write(partition_of_budgets(tenant), [Delete(document.id)])
            elif not hold.released and hold.until < now:
                found.append(hold)
        return found

    async def give_up(self, tenant: str, hold: Held) -> None:
        await self._together.ask(tenant, Asked(_hold_id(hold.execution, hold.key)))

    async def _decide(self, tenant: str, asked: Sequence[Asked]) -> list[bool | Exception]:
        accounts, holds = await self._read(tenant, asked)
        books = Books(
            {id: Account.model_validate(document.body) for id, document in accounts.items()},
            {id: Held.model_validate(document.body) for id, document in holds.items()},
        )
        answers = [_decided(books, one) for one in asked]
        operations = _operations(books, {**accounts, **holds})
        if len(operations) > BATCH_OPERATIONS and len(asked) > 1:
            # Where periods change, calls count towards accounts of both. Decided anew, a call changes nothing.
            half = len(asked) // 2
            return [*await self._decide(tenant, asked[:half]), *await self._decide(tenant, asked[half:])]
        if operations:
            await self._documents.write(partition_of_budgets(tenant), operations)
        return answers

    async def _read(self, tenant: str, asked: Sequence[Asked]) -> tuple[dict[str, Document], dict[str, Document]]:
        """The accounts and holds that these may change."""
        hold_ids = list(dict.fromkeys(one.id for one in asked))
        holds = await self._documents.get_many(partition_of_budgets(tenant), hold_ids)
        ids = {account for one in asked for account, _ in one.budgets}
        ids |= {account for document in holds.values() for account in document.body["accounts"]}
        accounts = await self._documents.get_many(partition_of_budgets(tenant), sorted(ids)) if ids else {}
        return accounts, holds


def _decided(books: Books, asked: Asked) -> bool | Exception:
    try:
        if asked.hold is not None:
            books.reserve(asked.id, asked.hold, asked.budgets, asked.model)
        elif asked.usage is not None:
            books.settle(asked.id, asked.usage)
        else:
            books.give_up(asked.id)
    except ProblemError as error:
        return error
    return True


def _operations(books: Books, read: dict[str, Document]) -> list[Operation]:
    """The changes, each on condition that it changes what was read."""
    operations: list[Operation] = []
    for id in sorted(books.changed):
        before, after = read.get(id), books.accounts.get(id) or books.holds.get(id)
        etag = before.etag if before else None
        if after is not None:
            operations.append(Put(id, after.model_dump(mode="json"), if_match=etag, if_absent=before is None))
        elif etag is not None:
            operations.append(Delete(id, if_match=etag))
    return operations


def partition_of_budgets(tenant: str) -> str:
    """Where definitions and accounts stand, so that a call counts towards all of its budgets or none."""
    return f"{tenant}/budgets"


def _account_id(budget: TenantBudget, period: Period) -> str:
    return f"{_ACCOUNT}{budget.name}:{period.name}"


def _hold_id(execution: str, key: str) -> str:
    return f"{_HOLD}{execution}:{key}"
