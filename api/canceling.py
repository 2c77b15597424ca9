"""Ending an execution that runs, from outside."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from activities.finishing import last_event, sum_up
from api.durable import DurableClient
from domain.errors import Code, Fault, Problem, ProblemError
from domain.executions import Execution, Status, StopReason
from services.wiring import Services

log = logging.getLogger("meta_agents.api")


async def cancel_execution(services: Services, client: DurableClient, execution: Execution) -> Execution:
    """The canceled execution. Raises `ProblemError` conflict if it has ended otherwise.

    The record decides between a cancel and an end at the same time. Its event comes second, so a cancel that was cut
    off is completed by being repeated.
    """
    usage, turns = await sum_up(services.events, execution.tenant, execution.id)
    record = await services.executions.end(
        execution.tenant,
        execution.id,
        status=Status.CANCELED,
        stop_reason=StopReason.CANCELED,
        ended=datetime.now(UTC),
        usage=usage,
        turns=turns,
    )
    if record.status is not Status.CANCELED:
        raise ProblemError(_too_late(record))
    await asyncio.gather(_log_end(services, record), services.executions.unmark(record.id))
    await _terminate(client, record)
    return record


async def _log_end(services: Services, record: Execution) -> None:
    events = await services.events.append(record.tenant, record.id, [last_event(record)])
    services.realtime.watch(record.tenant, record.id)  # it is rare: told to whoever watches through another process
    services.realtime.publish_events(record.tenant, record.id, events)


async def _terminate(client: DurableClient, record: Execution) -> None:
    try:
        await client.terminate(record.id, "canceled by its caller")
    except Exception:  # the SDK raises it bare; without this call the execution stops at its next model call
        log.warning("the orchestration of %s could not be terminated", record.id, exc_info=True)


def _too_late(record: Execution) -> Problem:
    return Problem(
        code=Code.CONFLICT,
        message=f"The execution has already {record.status}.",
        action="Nothing is left to cancel; read the execution for its result.",
        fault=Fault.CALLER,
    )
