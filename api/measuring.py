"""What only a look shows: executions that run or are stuck, questions that wait, budgets that are used.

Part of the sweep. Its cost is bounded, however many executions there are; where telemetry is off, it is none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from api.durable import DurableClient
from domain.approvals import Approval, State
from domain.books import Tally
from domain.executions import Status
from domain.policies import Amounts
from domain.retention import first_id_of
from services.telemetry.base import Level
from services.wiring import Services

log = logging.getLogger("meta_agents.telemetry")

QUIET = timedelta(minutes=15)
"""An execution that runs, in which nothing waits and nothing has happened for so long, is stuck: no activity may take
as long (`functionTimeout` in host.json)."""
PATIENCE = timedelta(days=1)
"""A question without a deadline is overdue after that."""
MOST = 10_000
"""Executions, and questions of a tenant, that are counted; with more, so many are shown."""
MOST_TENANTS = 100
LOOKED_AT = 100
"""Executions that each sweep looks at, one after the other, for whether they are stuck."""
PAGE = 200


@dataclass(frozen=True)
class _Seen:
    """How far an execution's log was read, and when its last event was."""

    offset: int
    time: datetime | None


class Measures:
    """Remembers, between sweeps, how far it has looked."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._stuck: set[str] = set()
        self._after = ""
        self._round: set[str] = set()

    async def __call__(self, services: Services, _: DurableClient, now: datetime) -> None:
        if not services.telemetry.is_on:
            return
        count, tenants = await self._running(services)
        waiting, overdue = await _questions(services, tenants, now)
        await self._look(services, now)
        levels: dict[str, Sequence[Level]] = {
            "meta_agents.executions.running": [(count, {})],
            "meta_agents.executions.stuck": [(len(self._stuck), {})],
            "meta_agents.approvals.waiting": [(waiting, {})],
            "meta_agents.approvals.overdue": [(overdue, {})],
            "meta_agents.budget.used": await _budgets(services, now),
        }
        services.telemetry.levels(levels, now)

    async def _running(self, services: Services) -> tuple[int, list[str]]:
        """How many have not ended, and whose they are."""
        marks = await services.executions.marks(MOST)
        return len(marks), list(dict.fromkeys(tenant for _, tenant in marks))[:MOST_TENANTS]

    async def _look(self, services: Services, now: datetime) -> None:
        """At the next of those that are old enough; after the last, at the first again."""
        last = first_id_of(now - QUIET)
        first = f"{self._after}~" if self._after else "0"
        marks = await services.executions.marks(LOOKED_AT, (first, last))
        self._round |= {id for id, _ in marks}
        for id, tenant in marks:
            if await self._is_stuck(services, tenant, id, now):
                if id not in self._stuck:
                    log.warning("execution %s is stuck: nothing waits, and nothing has happened for %s", id, QUIET)
                self._stuck.add(id)
            else:
                self._stuck.discard(id)
        if len(marks) == LOOKED_AT:
            self._after = marks[-1][0]
        else:
            self._seen = {id: seen for id, seen in self._seen.items() if id in self._round}
            self._stuck &= self._round
            self._after, self._round = "", set()

    async def _is_stuck(self, services: Services, tenant: str, id: str, now: datetime) -> bool:
        seen = self._seen.get(id, _Seen(0, None))
        events = await services.events.read(tenant, id, seen.offset)
        if events:
            seen = self._seen[id] = _Seen(events[-1].offset, events[-1].time)
        if seen.time is None or now - seen.time < QUIET:
            return False
        record = await services.executions.get(tenant, id)
        if record is None or record.status is not Status.RUNNING:
            return False
        return not await services.waits.anything(tenant, id)


async def _questions(services: Services, tenants: Sequence[str], now: datetime) -> tuple[int, int]:
    """How many are open, and how many of them for too long."""
    waiting = overdue = 0
    for tenant in tenants:
        count, more = 0, None
        while True:
            page, more = await services.approvals.list(tenant, state=State.PENDING, limit=PAGE, continuation=more)
            count += len(page)
            overdue += sum(_is_overdue(approval, now) for approval in page)
            if more is None or count >= MOST:
                break
        waiting += count
    return waiting, overdue


def _is_overdue(approval: Approval, now: datetime) -> bool:
    """Its deadline is over, others have had to be asked, or it waits for a day without a deadline."""
    late = approval.deadline is not None and approval.deadline <= now
    return late or approval.escalated or (approval.deadline is None and now - approval.created >= PATIENCE)


async def _budgets(services: Services, now: datetime) -> list[Level]:
    """By name, of all tenants that have one of it the one that is used most."""
    used: dict[str, float] = {}
    for tenant in (await services.tenant_budgets.tenants())[:MOST_TENANTS]:
        for stored in await services.tenant_budgets.all(tenant):
            standing = await services.tenant_budgets.standing(tenant, stored.budget, now)
            name = stored.budget.name
            used[name] = max(used.get(name, 0.0), share(stored.budget, standing.account.spent))
    return [(ratio, {"budget": name}) for name, ratio in used.items()]


def share(cap: Amounts, spent: Tally) -> float:
    """How much of it is spent, by the part that is used most; 1 is all."""
    parts = (
        (Decimal(spent.model_calls), cap.model_calls),
        (Decimal(spent.tokens_in + spent.tokens_out), cap.tokens),
        (spent.cost_usd, cap.cost_usd),
    )
    return max((float(amount / Decimal(most)) for amount, most in parts if most is not None), default=0.0)
