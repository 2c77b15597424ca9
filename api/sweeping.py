"""What the service does by itself: start what is due and finish what was cut off, every minute; purge, every day."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from activities.telling import tell_of_pause
from api import library
from api.durable import DurableClient
from api.going_on import sweep_budgets
from api.measuring import Measures
from api.recovery import RecoverLatest
from api.starting import request_of, start_once
from domain.errors import ProblemError
from domain.executions import Execution
from domain.library import IndexWork
from domain.schedules import Schedule, due_times, moved_to
from services.identity import Principal
from services.retention import purge_due
from services.schedules import Mark
from services.webhooks.pauses import Untold
from services.wiring import Services

log = logging.getLogger("meta_agents.api")

AT_ONCE = 8
"""Schedules that are dealt with at the same time."""
PURGED_AT_ONCE = 100
"""Executions of one tenant, until it is another's turn."""

Chore = Callable[[Services, DurableClient, datetime], Awaitable[None]]


async def sweep(services: Services, client: DurableClient, now: datetime) -> None:
    """Do every chore. One that fails keeps no other from its turn; then this raises an `ExceptionGroup`."""
    failures: list[Exception] = []
    for name, chore in CHORES.items():
        try:
            await chore(services, client, now)
        except Exception as error:  # whatever it is, the other chores are not to suffer from it
            log.exception("the sweep's %s failed", name)
            failures.append(error)
    if failures:
        raise ExceptionGroup("a part of the sweep failed", failures)


async def start_due(services: Services, client: DurableClient, now: datetime) -> None:
    """Start what is due by any schedule. What keeps one from it is told on it, and is not raised."""
    room = asyncio.Semaphore(AT_ONCE)

    async def deal_with(mark: Mark) -> None:
        async with room:
            try:
                await _start_due_of(services, client, mark, now)
            except Exception:  # one schedule must not keep the others from being looked at; its mark stays
                log.exception("the schedule %s of %s could not be dealt with", mark.name, mark.tenant)

    await asyncio.gather(*(deal_with(mark) for mark in await services.schedules.due(now)))


async def _start_due_of(services: Services, client: DurableClient, mark: Mark, now: datetime) -> None:
    stored = await services.schedules.of_mark(mark, now)
    if stored is None:
        return
    schedule, state = stored.schedule, stored.state
    times = due_times(schedule, state.since, now)
    if state.next not in times:
        log.warning("the schedule %s of %s passes over times that it missed", mark.name, mark.tenant)
    for due in times:
        try:
            execution = await _start_for(services, client, mark.tenant, schedule, due)
        except ProblemError as error:
            log.warning("the schedule %s of %s starts nothing for %s: %s", mark.name, mark.tenant, due, error)
            state = state.failed(due, error.problem)
            if state.since < due:
                break
        else:
            log.info("the schedule %s of %s started execution %s", mark.name, mark.tenant, execution.id)
            state = state.started(due, execution.id)
    else:
        state = moved_to(state, schedule, now)
    # Cut off before this, the next sweep finds the executions by their keys and starts none of them again.
    await services.schedules.advance(mark.tenant, stored, state)


async def _start_for(
    services: Services, client: DurableClient, tenant: str, schedule: Schedule, due: datetime
) -> Execution:
    """The execution of one time, started by the first of all calls for it."""
    starter = Principal(tenant=tenant, name=f"schedule:{schedule.name}", roles=())
    # The hash is the same for all: what was started for a time is not started again with what was changed since.
    idempotency = f"schedule {schedule.name} {due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", "schedule"
    return await start_once(services, client, starter, request_of(schedule), idempotency)


async def tell_of_pauses(services: Services, _: DurableClient, now: datetime) -> None:
    """Call the webhooks of executions that a budget has paused."""
    room = asyncio.Semaphore(AT_ONCE)

    async def tell(untold: Untold) -> None:
        async with room:
            await tell_of_pause(services, untold, now)

    await asyncio.gather(*(tell(untold) for untold in await services.pause_hooks.due(now)))


async def count_usage(services: Services, _: DurableClient, __: datetime) -> None:
    """Count what executions that have not ended have used since it was last counted."""
    room = asyncio.Semaphore(AT_ONCE)

    async def count(execution: Execution) -> None:
        async with room:
            await services.usage.add(execution.tenant, execution.id, execution.workflow)

    await asyncio.gather(*(count(execution) for execution in await services.executions.running()))


async def purge(services: Services, client: DurableClient) -> None:
    """Remove the executions of every tenant that are kept no longer, as many as there is time for."""
    await purge_due(services, client, await services.retention.tenants(), PURGED_AT_ONCE)


async def index_begun(services: Services, client: DurableClient, now: datetime) -> None:
    """Start the indexing of what was sent and never begun, and finish what was being taken away."""

    async def start(work: IndexWork) -> None:
        await library.start(client, work)

    await services.library.recover(start, now)


CHORES: dict[str, Chore] = {
    "schedules": start_due,
    "recovery": RecoverLatest(),
    "budgets": sweep_budgets,
    "usage": count_usage,
    "webhooks": tell_of_pauses,
    "library": index_begun,
    "telemetry": Measures(),
}
