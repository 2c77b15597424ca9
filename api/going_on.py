"""Executions that a tenant's budget has paused go on when it has room; calls that nobody ended are cleared up."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from activities.pausing import BUDGET
from api.controlling import resume_execution
from api.durable import DurableClient
from domain.books import Held
from domain.errors import ProblemError
from domain.executions import Status
from domain.usage import Usage
from services.ledger import ANSWERS
from services.wiring import Services

log = logging.getLogger("meta_agents.budgets")

AT_ONCE = 8


async def go_on(services: Services, client: DurableClient, tenant: str, by: str = BUDGET) -> None:
    """Resume the tenant's executions that a budget has paused and has room for now."""
    places, now = asyncio.Semaphore(AT_ONCE), datetime.now(UTC)
    paused = await services.tenant_budgets.paused(tenant)
    # Asked once for each, however many wait for it.
    budgets = sorted(set(paused.values()))
    rooms = {name: await services.tenant_budgets.has_room(tenant, name, now) for name in budgets}

    async def one(id: str) -> None:
        async with places:
            await _go_on(services, client, tenant, id, by)

    await asyncio.gather(*(one(id) for id, name in paused.items() if rooms[name]))


async def _go_on(services: Services, client: DurableClient, tenant: str, id: str, by: str) -> None:
    record = await services.executions.get(tenant, id)
    if record is None or record.status.is_ended:
        await services.tenant_budgets.forget_paused(tenant, id)
    elif record.status is Status.PAUSED and record.paused_for is not None and record.paused_for.budget is not None:
        # Its note stays as long as it does: it may be paused again before this is over.
        try:
            await resume_execution(services, client, record, by)
        except ProblemError:  # ended or canceled meanwhile
            log.info("execution %s could not go on", id, exc_info=True)


async def sweep_budgets(services: Services, client: DurableClient, now: datetime) -> None:
    """Settle or release what calls that were cut off have left, and let go on what has room again."""
    for tenant in await services.tenant_budgets.tenants():
        for hold in await services.accounts.overdue(tenant, now):
            await clear_up(services, tenant, hold)
        await go_on(services, client, tenant)


async def clear_up(services: Services, tenant: str, hold: Held) -> None:
    """The log of its execution says what became of the call."""
    ids = [name(hold.key) for name in ANSWERS]
    found = await services.events.get(tenant, hold.execution, ids)
    if answer := next(iter(found.values()), None):
        await services.accounts.settle(
            tenant, hold.execution, hold.key, Usage.model_validate(answer.data.get("usage") or {})
        )
    else:
        log.warning("call %s of execution %s was never ended; what it held is released", hold.key, hold.execution)
        await services.accounts.give_up(tenant, hold)
