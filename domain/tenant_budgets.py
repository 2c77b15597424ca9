"""Budgets of a tenant, over a period: what calls reserve and settle, decided purely; who keeps it is `services`.

A call is let through while what is spent and reserved is below the cap, as with those of an execution. Each period of a
budget has an account; each call that is let through has a hold, which names the accounts it counts towards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from domain.base import Name, Shape
from domain.budgets import price_unknown
from domain.caps import CapReached, Reached, used_up
from domain.errors import Code, Fault, Problem
from domain.policies import Amounts, AtCap
from domain.usage import Usage

PeriodKind = Literal["day", "week", "month", "total"]
MOST = 50
"""Budgets of one tenant: all that a call counts towards are written at once."""


class TenantBudget(Amounts):
    """The most that may be spent in each period: by the tenant, or by one of its workflows or agents."""

    name: Name
    scope: Literal["tenant", "workflow", "agent"] = Field(default="tenant", description="Whose calls count.")
    of: Name | None = Field(default=None, description="Name of the workflow or agent, for these scopes.")
    period: PeriodKind = Field(default="month", description="How long it is for; `total`: for ever.")
    time_zone: str = Field(
        default="UTC", max_length=64, description="Where days, weeks (from Monday) and months begin."
    )
    at_cap: AtCap = Field(
        default="pause",
        description="What happens instead of a call beyond it: its execution pauses, or the step fails.",
    )

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, time_zone: str) -> str:
        try:
            ZoneInfo(time_zone)
        except (LookupError, ValueError, OSError) as error:
            raise ValueError("is not the name of a time zone, such as `Europe/Berlin` or `UTC`") from error
        return time_zone

    @model_validator(mode="after")
    def _is_whole(self) -> TenantBudget:
        if self.is_empty:
            raise ValueError("one of `cost_usd`, `tokens` and `model_calls` has to be capped")
        if (self.of is None) != (self.scope == "tenant"):
            raise ValueError("`of` is needed for the scopes `workflow` and `agent`, and for these alone")
        return self

    @property
    def amounts(self) -> Amounts:
        return Amounts(cost_usd=self.cost_usd, tokens=self.tokens, model_calls=self.model_calls)

    def counts(self, workflow: str, agent: str) -> bool:
        """Whether a call of this agent in an execution of this workflow counts towards it."""
        return self.of is None or self.of == (workflow if self.scope == "workflow" else agent)

    def period_at(self, moment: datetime) -> Period:
        return Period.of(self.period, moment.astimezone(ZoneInfo(self.time_zone)))


@dataclass(frozen=True)
class Period:
    """One day, week or month, such as `2026-11-27`, `2026-W48`, `2026-11`; or `total`, which does not end."""

    name: str
    ends: datetime | None

    @staticmethod
    def of(kind: PeriodKind, local: datetime) -> Period:
        day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        match kind:
            case "day":
                return Period(f"{day:%Y-%m-%d}", _utc(day + timedelta(days=1)))
            case "week":
                year, week, weekday = day.isocalendar()
                return Period(f"{year}-W{week:02}", _utc(day + timedelta(days=8 - weekday)))
            case "month":
                following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
                return Period(f"{day:%Y-%m}", _utc(following))
            case "total":
                return Period("total", None)


def _utc(local: datetime) -> datetime:
    return local.astimezone(UTC)


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
        except Exception:
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


def matching(budgets: Iterable[TenantBudget], workflow: str, agent: str) -> list[TenantBudget]:
    return [budget for budget in budgets if budget.counts(workflow, agent)]


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
