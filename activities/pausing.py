"""Pause an execution: its record first, because that decides between this and an end at the same time."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from domain.calls import ModelCall
from domain.caps import CapReached
from domain.errors import ProblemError, canceled
from domain.events import Draft, EventType
from domain.executions import Execution, Status
from domain.tracing import root_of
from domain.values import Json
from services.budgets import Refused
from services.control import Since, etag_of, state_of
from services.documents.base import Conflict, Put
from services.wiring import Services

BUDGET = "budget"
"""Who has paused it, when it is no human."""


async def ask_to_pause(
    services: Services,
    record: Execution,
    by: str,
    *said: Draft,
    since: Since | None = None,
    still: Put | None = None,
) -> None:
    """Log that the execution, whose record is paused, is; with what else is to be said. Asked already, nothing is.

    Raises as `Controls.ask`.
    """
    type = EventType.EXECUTION_PAUSED
    id, now = f"{type}:{secrets.token_hex(8)}", datetime.now(UTC)
    draft = Draft(id=id, type=type, time=now, data={"by": by, **marked(record, id, "pause", now)})
    events = await services.controls.ask(record.tenant, record.id, "paused", *said, draft, since=since, still=still)
    services.realtime.watch(record.tenant, record.id)  # it is rare: told to whoever watches through another process
    services.realtime.publish_events(record.tenant, record.id, events)


def marked(record: Execution, id: str, kind: str, now: datetime) -> dict[str, Json]:
    """What the event says of its span, in that of the execution."""
    if record.trace is None:
        return {}
    root = root_of(record.trace, record.id)
    return {"trace": root.begun(root.child(id), kind, now).as_data()}


async def pause_at_cap(services: Services, call: ModelCall, refused: CapReached) -> bool:
    """Pause the call's execution until somebody raises the budget, unless that has just been done.

    True: the call is held as it is, because the execution is being canceled; else it has to look again. Done again, as
    after a crash, it is said once. Raises `ProblemError` canceled when the execution has ended.
    """
    reached = refused.reached.model_copy(update={"call": call.key})
    # Before the record: whoever resumes it from then on asks for something, and so keeps this from being asked after.
    control = await services.controls.asked(call.tenant, call.execution)
    if reached.budget is not None:
        await services.tenant_budgets.note_paused(call.tenant, call.execution, reached.budget)
    record = await services.executions.stand(call.tenant, call.execution, Status.PAUSED, (Status.RUNNING,), reached)
    if record.status.is_ended:
        raise ProblemError(canceled())
    if record.status is not Status.PAUSED:
        # Whoever cancels has written the record, and wakes what waits when the rest of it is written.
        return state_of(control) == "running" and await services.controls.hold(call, control)
    if record.webhook is not None and "paused" in record.webhook.events:
        await services.pause_hooks.note(call.tenant, call.execution, datetime.now(UTC))
    draft = Draft(
        id=f"{EventType.BUDGET_REACHED}:{secrets.token_hex(8)}",
        type=EventType.BUDGET_REACHED,
        time=datetime.now(UTC),
        step=call.step,
        agent=call.agent,
        data=reached.model_dump(mode="json", exclude_none=True, exclude={"call"}),
    )
    still = refused.still if isinstance(refused, Refused) else None
    try:
        await ask_to_pause(services, record, BUDGET, draft, since=Since(etag_of(control)), still=still)
    except Conflict:
        await services.executions.unpause(call.tenant, call.execution, reached)
        # Another call that was refused may have paused it just then, and taken the record as it was for its own.
        if state_of(await services.controls.asked(call.tenant, call.execution)) == "paused":
            await services.executions.stand(call.tenant, call.execution, Status.PAUSED, (Status.RUNNING,), reached)
    return False
