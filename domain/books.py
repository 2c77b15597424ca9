"""What calls reserve and settle of a tenant's budgets, decided purely; who keeps it is `services`.

A call is let through while what is spent and reserved is below the cap, as with those of an execution. Each period of a
budget has an account; each call that is let through has a hold, which names the accounts it counts towards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from domain.base import Shape
from domain.budgets import price_unknown
from domain.caps import CapReached, Reached, used_up
from domain.errors import Code, Fault, Problem, ProblemError
from domain.tenant_budgets import TenantBudget
from domain.usage import Usage


class Tally(Shape):
    """Sums over calls. Those whose price is not known are counted apart: they add nothing to `cost_usd`."""

    model_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0

    @staticmethod
    def of(usage: Usage) -> Tally:
        return Tally(
            model_calls=usage.model_calls,
            tokens_in=usage.tokens_in,
            tokens_out=usage.tokens_out,
            cost_usd=usage.cost_usd or Decimal(0),
            unpriced=int(usage.cost_usd is None),
        )

    def plus(self, other: Tally, sign: int = 1) -> Tally:
        return Tally(
            model_calls=self.model_calls + sign * other.model_calls,
            tokens_in=self.tokens_in + sign * other.tokens_in,
            tokens_out=self.tokens_out + sign * other.tokens_out,
            cost_usd=self.cost_usd + sign * other.cost_usd,
            unpriced=self.unpriced + sign * other.unpriced,
        )

    @property
    def usage(self) -> Usage:
        return Usage(
            model_calls=self.model_calls,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            cost_usd=self.cost_usd,
        )


class Account(Shape):
    """What one period of a budget has seen."""

    spent: Tally = Tally()
    reserved: Tally = Tally()


class Held(Shape):
    """What one call may use, and the accounts it counts towards. `released`: given up after `until`; should the call
    come to its end after all, it is charged nevertheless.
    """

    execution: str
    key: str
    accounts: tuple[str, ...]
    tally: Tally
    until: datetime
    released: bool = False


@dataclass
class Books:
    """Accounts and holds as they were read, and as they are to be written: None is a hold that is over."""

    accounts: dict[str, Account] = field(default_factory=dict)
    holds: dict[str, Held | None] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    """Ids of accounts and holds that are to be written."""

    def reserve(self, id: str, asked: Held, budgets: Sequence[tuple[str, TenantBudget]], model: str) -> None:
        """Hold what the call may use, in the account named beside each budget. A call made again holds it once.

        Raises `ProblemError` budget_exceeded, a `CapReached` where one is used up; then nothing is held.
        """
        before = self.holds.get(id)
        if before is not None and not before.released:
            self._reserve(before, -1)
        try:
            for account, budget in budgets:
                _check(budget, account, self.accounts.get(account, Account()), asked, model)
        except ProblemError:
            if before is not None and not before.released:
                self._put(id, None)
            raise
        self._reserve(asked, 1)
        self._put(id, asked)

    def settle(self, id: str, usage: Usage) -> None:
        """Charge what the call has used in place of what it held. Settled already, or never held: nothing changes.

        Where nobody can say what it cost, it is taken to have cost what was held.
        """
        hold = self.holds.get(id)
        if hold is None:
            return
        if not hold.released:
            self._reserve(hold, -1)
        if usage.cost_usd is None and not hold.tally.unpriced:
            usage = usage.model_copy(update={"cost_usd": hold.tally.cost_usd})
        tally = Tally.of(usage)
        for account in hold.accounts:
            before = self.accounts.get(account, Account())
            self._account(account, before.model_copy(update={"spent": before.spent.plus(tally)}))
        self._put(id, None)

    def give_up(self, id: str) -> None:
        """Let others have what was held, by a call that nobody seems to be making any more."""
        hold = self.holds.get(id)
        if hold is None or hold.released:
            return
        self._reserve(hold, -1)
        self._put(id, hold.model_copy(update={"released": True}))

    def _reserve(self, hold: Held, sign: int) -> None:
        for account in hold.accounts:
            before = self.accounts.get(account, Account())
            self._account(account, before.model_copy(update={"reserved": before.reserved.plus(hold.tally, sign)}))

    def _account(self, id: str, account: Account) -> None:
        self.accounts[id] = account
        self.changed.add(id)

    def _put(self, id: str, hold: Held | None) -> None:
        self.holds[id] = hold
        self.changed.add(id)


def has_room(budget: TenantBudget, account: Account) -> bool:
    return used_up(budget.amounts, account.spent.plus(account.reserved).usage) is None


def _check(budget: TenantBudget, account: str, standing: Account, asked: Held, model: str) -> None:
    if budget.cost_usd is not None and asked.tally.unpriced:
        raise price_unknown(f"The budget `{budget.name}`", model)
    what = used_up(budget.amounts, standing.spent.plus(standing.reserved).usage)
    if what is None:
        return
    pauses = budget.at_cap == "pause"
    problem = Problem(
        code=Code.BUDGET_EXCEEDED,
        message=f"The budget `{budget.name}` has used or reserved {what}, so the next model call was not made.",
        action="Ask an admin to raise it" + (", or wait for its next period." if budget.period != "total" else "."),
        fault=Fault.CALLER,
    )
    reached = Reached(
        budget=budget.name,
        period=account.rpartition(":")[2],
        what=what,
        cap=budget.amounts,
        spent=standing.spent.usage,
        reserved=standing.reserved.usage,
    )
    raise CapReached(problem, reached, pauses=pauses)
