"""Executions that a tenant's budget has paused go on when it has room; calls that nobody ended are cleared up."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from activities.pausing import BUDGET
from api.controlling import resume_execution
from api.durable import DurableClient
from domain.errors import ProblemError
from domain.executions import Status
from domain.tenant_budgets import Held
from domain.usage import Usage
from services.ledger import ANSWERS
from services.wiring import Services

log = logging.getLogger("meta_agents.budgets")

AT_ONCE = 8


async def go_on(services: Services, client: DurableClient, tenant: str, by: str = BUDGET) -> None:
    """Resume the tenant's executions that a budget has paused and has room for now."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(id: str) -> None:
        async with room:
            await _go_on(services, client, tenant, id, by)

    await asyncio.gather(*(one(id) for id in await services.tenant_budgets.paused(tenant)))


async def _go_on(services: Services, client: DurableClient, tenant: str, id: str, by: str) -> None:
    record = await services.executions.get(tenant, id)
    if record is not None and record.status is Status.RUNNING:
        return  # it is just pausing, or has gone on: if so, it is forgotten when it has ended
    if record is not None and record.status is Status.PAUSED and record.paused_for is not None:
        if not await services.tenant_budgets.may_go_on(tenant, record, datetime.now(UTC)):
            return
        try:
            await resume_execution(services, client, record, by)
        except ProblemError:  # ended or canceled meanwhile
            log.info("execution %s could not go on", id, exc_info=True)
    await services.tenant_budgets.forget_paused(tenant, id)


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
