"""Budgets of a tenant, over a period: what each caps, whose calls count towards it, and when its periods begin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from domain.base import Name
from domain.policies import Amounts, AtCap

PeriodKind = Literal["day", "week", "month", "total"]
MOST = 40
"""Budgets of one tenant: all accounts that a call counts towards, and has counted towards, are written at once."""


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


def matching(budgets: Iterable[TenantBudget], workflow: str, agent: str) -> list[TenantBudget]:
    return [budget for budget in budgets if budget.counts(workflow, agent)]
