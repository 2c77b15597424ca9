"""What was cut off because the process ended: executions recorded and never started, wakes never raised."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from starlette.types import ASGIApp, Receive, Scope, Send

from api.controlling import complete
from api.durable import CLIENT, DurableClient
from api.forking import given_to
from api.starting import start_instance, started
from domain.errors import ProblemError
from domain.executions import Execution, Status
from services.wiring import Services, services

log = logging.getLogger("meta_agents.api")

SETTLED = timedelta(minutes=1)
"""Whoever records an execution has started or discarded it by then, or never will."""
EVERYTHING_AGAIN = timedelta(hours=1)


async def recover(
    services: Services, client: DurableClient, since: datetime | None = None, until: datetime | None = None
) -> int:
    """Start every running execution that has no orchestration, and finish what was asked of them; or only of those that
    were created between.

    Returns the number of those that could not be looked after.
    """
    failures = 0
    await services.waits.recover(client)
    for execution in await services.executions.running(since):
        if until is not None and execution.created > until:
            continue
        try:
            await _recover_one(services, client, execution)
        except Exception:  # one that cannot be started must not keep the others from it
            log.exception("execution %s could not be recovered", execution.id)
            failures += 1
    return failures


async def _recover_one(services: Services, client: DurableClient, execution: Execution) -> None:
    # As it stands now: others may have paused or resumed it while those before it were looked after.
    current = await services.executions.get(execution.tenant, execution.id)
    if current is None:
        return
    if current.status is not Status.CANCELING and not current.status.is_ended:
        await _start_if_missing(services, client, current)
    await complete(services, client, current)


async def _start_if_missing(services: Services, client: DurableClient, execution: Execution) -> None:
    if await client.get_status(execution.id):
        return
    plan = await services.plans.load(execution.tenant, execution.plan)
    await services.events.append(execution.tenant, execution.id, [started(execution)])
    await start_instance(services, client, execution, plan, await given_to(services, execution))
    log.warning("execution %s was recorded but not started; it runs now", execution.id)


class RecoverOnce:
    """Recovers in the background at the first request that carries a durable client; at a later one if that failed.

    Not where another region is active: its executions have no orchestration here, and would run twice.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._task: asyncio.Task[None] | None = None
        self._done = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if CLIENT in scope and not self._done and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._recover(scope[CLIENT]))
        await self._app(scope, receive, send)

    async def _recover(self, client: DurableClient) -> None:
        try:
            self._done = services().settings.standby or await recover(services(), client) == 0
        except ProblemError as error:  # nobody waits for this task; the next request tries again
            log.error("running executions could not be looked through: %s", error.problem.message)
        except Exception:
            log.exception("running executions could not be looked through")


class RecoverLatest:
    """Recovers, call after call, what was created since the call before; at first, and every hour, everything.

    So each call costs little, however many executions wait for weeks.
    """

    def __init__(self) -> None:
        self._until: datetime | None = None
        self._everything: datetime | None = None

    async def __call__(self, services: Services, client: DurableClient, now: datetime) -> None:
        since, until = self._until, now - SETTLED
        if self._everything is None or now - self._everything >= EVERYTHING_AGAIN:
            since = None
        if await recover(services, client, since, until) == 0:
            self._until = until
            self._everything = now if since is None else self._everything
