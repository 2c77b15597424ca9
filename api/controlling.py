"""What is asked of an execution that runs: to pause, to go on, to be canceled, to take an event.

The record changes first, because it decides between this and an end at the same time. The rest is done again by whoever
asks the same once more, and by recovery: so a verb that was cut off is completed.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import UTC, datetime
from typing import Any

from activities.canceling import withdraw
from activities.finishing import last_event, sum_up
from activities.pausing import ask_to_pause, marked
from api.durable import DurableClient
from domain.errors import Code, Fault, Problem, ProblemError
from domain.events import Draft, Event, EventType
from domain.executions import Execution, Status, StopReason
from domain.values import Json
from domain.webhooks import Attempt
from services.control import Asked, state_of
from services.wiring import Services

log = logging.getLogger("meta_agents.api")

RECOVERY = "recovery"
"""Who asks for what was asked before, and not heard."""
ATTEMPTS = 5
_ENDED = ("Completed", "Failed", "Terminated", "Canceled")
"""What the platform calls an orchestration that does nothing more."""


async def pause_execution(services: Services, execution: Execution, by: str) -> Execution:
    """The paused execution: what is under way ends, nothing new begins. Raises `ProblemError` conflict."""
    # One that a budget has paused is from now on paused by whoever asks: raising the budget does not end that.
    record = await _stand(services, execution, Status.PAUSED, (Status.RUNNING, Status.PAUSED))
    if record.status is not Status.PAUSED:
        raise ProblemError(_no_longer(record, "paused"))
    await ask_to_pause(services, record, by)
    return record


async def resume_execution(services: Services, client: DurableClient, execution: Execution, by: str) -> Execution:
    """The running execution. Raises `ProblemError` conflict."""
    record = await _stand(services, execution, Status.RUNNING, (Status.PAUSED,))
    if record.status is not Status.RUNNING:
        raise ProblemError(_no_longer(record, "resumed"))
    async with services.waits.change(client, record.tenant, record.id):
        # First: where a budget is just pausing it, that either comes too late now, or is seen and ended here.
        await services.controls.touch(record.tenant, record.id)
        await _ask(services, record, "running", EventType.EXECUTION_RESUMED, by)
    return record


async def cancel_execution(services: Services, client: DurableClient, execution: Execution, by: str) -> Execution:
    """The execution, canceling or canceled: calls that are under way are broken off, then it ends.

    Raises `ProblemError` conflict if it has ended otherwise.
    """
    record = await _stand(services, execution, Status.CANCELING, (Status.RUNNING, Status.PAUSED))
    if record.status is Status.CANCELED:
        return record
    if record.status is not Status.CANCELING:
        raise ProblemError(_no_longer(record, "canceled"))
    async with services.waits.change(client, record.tenant, record.id):
        try:
            await _ask(services, record, "canceling", EventType.CANCEL_REQUESTED, by)
        except ProblemError:  # it has come to its end meanwhile
            return await services.executions.get(record.tenant, record.id) or record
    if await _is_gone(client, record):
        return await _end_canceled(services, record)
    return record


async def complete(services: Services, client: DurableClient, execution: Execution) -> None:
    """Finish asking what the record says was asked: the process that asked may have ended in between."""
    for _ in range(ATTEMPTS):
        record = await services.executions.get(execution.tenant, execution.id)
        if record is None:
            return
        if record.status.is_ended:
            if await _is_gone(client, record):
                await _close(services, record)
            return
        if record.status is Status.CANCELING:
            await cancel_execution(services, client, record, RECOVERY)
            return
        state: Asked = "paused" if record.status is Status.PAUSED else "running"
        if state_of(await services.controls.asked(record.tenant, record.id)) == state:
            return
        # Somebody may ask for something else just now: then look again.
        async with services.waits.change(client, record.tenant, record.id):
            type = EventType.EXECUTION_PAUSED if state == "paused" else EventType.EXECUTION_RESUMED
            await _ask(services, record, state, type, RECOVERY)


async def send_event(
    services: Services, client: DurableClient, execution: Execution, name: str, value: Json, by: str, key: str | None
) -> Event:
    """Keep the event for the step that waits for it, or will. Raises `ProblemError` conflict.

    `key`: the same one sends the event once, however often it is sent.
    """
    number = hashlib.sha256(key.encode()).hexdigest()[:32] if key else secrets.token_hex(16)
    draft = Draft(
        id=f"signal:{name}:{number}",
        type=EventType.SIGNAL_RECEIVED,
        time=datetime.now(UTC),
        data={"name": name, "by": by},
        value=value,
    )
    async with services.waits.change(client, execution.tenant, execution.id):
        event = await services.signals.send(execution.tenant, execution.id, name, draft)
    services.realtime.publish_events(execution.tenant, execution.id, [event])
    return event


async def _stand(services: Services, execution: Execution, status: Status, instead_of: tuple[Status, ...]) -> Execution:
    return await services.executions.stand(execution.tenant, execution.id, status, instead_of)


async def _ask(services: Services, record: Execution, state: Asked, type: EventType, by: str) -> None:
    now = datetime.now(UTC)
    id = f"{type}:{secrets.token_hex(8)}"
    draft = Draft(
        id=id, type=type, time=now, data={"by": by, **marked(record, id, type.removeprefix("execution."), now)}
    )
    events = await services.controls.ask(record.tenant, record.id, state, draft)
    services.realtime.watch(record.tenant, record.id)  # it is rare: told to whoever watches through another process
    services.realtime.publish_events(record.tenant, record.id, events)


async def _is_gone(client: DurableClient, record: Execution) -> bool:
    """Whether no orchestration is there that could end it."""
    status: Any = await client.get_status(record.id)
    if not status:
        return True
    runtime = getattr(status, "runtime_status", None)
    return getattr(runtime, "name", runtime) in _ENDED


async def _end_canceled(services: Services, record: Execution) -> Execution:
    """End it here, because its orchestration will not."""
    log.warning("execution %s had no orchestration left to cancel; it is ended without one", record.id)
    await withdraw(services, record.tenant, record.id, ("",))
    if record.webhook is not None:
        await _say_that_nobody_is_told(services, record)
    sums = await sum_up(services.events, record.tenant, record.id)
    ended = await services.executions.end(
        record.tenant,
        record.id,
        status=Status.CANCELED,
        stop_reason=StopReason.CANCELED,
        ended=datetime.now(UTC),
        usage=sums.usage,
        turns=sums.turns,
        is_closed=False,
    )
    await _close(services, ended)
    return ended


async def _close(services: Services, record: Execution) -> None:
    events = await services.events.append(record.tenant, record.id, [last_event(record)])
    services.realtime.publish_events(record.tenant, record.id, events)
    await services.usage.add(record.tenant, record.id, record.workflow)
    await services.executions.closed(record.tenant, record.id)


async def _say_that_nobody_is_told(services: Services, record: Execution) -> None:
    error = "It was not called: the execution had no orchestration left that could."
    attempt = Attempt(number=1, time=datetime.now(UTC), seconds=0, error=error)
    await services.deliveries.record(record.tenant, record.id, attempt)


def _no_longer(record: Execution, verb: str) -> Problem:
    action = "Wait for its end." if record.status is Status.CANCELING else "Read it for its result, or fork it."
    return Problem(
        code=Code.CONFLICT,
        message=f"The execution is {record.status}, and cannot be {verb}.",
        action=action,
        fault=Fault.CALLER,
    )
