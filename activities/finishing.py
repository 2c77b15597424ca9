"""Close an execution: render its output, sum up what it cost, write the record and the last event."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from activities.canceling import withdraw
from activities.loading import Loader
from domain.calls import HELD, Ending
from domain.errors import Problem, ProblemError
from domain.events import ANSWERS, Draft, Event, EventType
from domain.executions import Execution, Status, StopReason
from domain.expressions import render
from domain.rollups import Days, folded
from domain.tracing import Trace, root_of
from domain.usage import Usage, used
from domain.values import Json
from services.eventlog import EventLog
from services.usage import Whole
from services.wiring import Services

PAGE = 500
_COSTLY = ANSWERS | {EventType.CALL_FAILED}
_LAST = {
    Status.COMPLETED: EventType.EXECUTION_COMPLETED,
    Status.FAILED: EventType.EXECUTION_FAILED,
    Status.CANCELED: EventType.EXECUTION_CANCELED,
}


async def perform_ending(ending: Ending, services: Services) -> tuple[str, list[Event]]:
    """The execution's final status, or `HELD` while it is paused. Done twice it changes nothing: the first end stands.

    One that was asked to be canceled ends canceled, even if it came to its end before it heard of that.
    """
    tenant, execution = ending.tenant, ending.execution
    # The record is the first to know what is asked of the execution.
    seen = await services.executions.seen(tenant, execution)
    control = await services.controls.asked(tenant, execution) if seen.status is Status.PAUSED else None
    if control is not None and control.body["state"] == "paused":
        if await services.controls.hold_finish(tenant, execution, ending.wake, control):
            return HELD, []
        return await perform_ending(ending, services)
    output, problem = await _output(ending, services)
    if seen.status is Status.CANCELING:
        output, status, reason = None, Status.CANCELED, StopReason.CANCELED
        problem = None
    elif problem is not None and ending.stop_reason is StopReason.CANCELED:
        status, reason = Status.CANCELED, StopReason.CANCELED
    elif problem is not None:
        status, reason = Status.FAILED, StopReason.FAILED
    else:
        status, reason = Status.COMPLETED, ending.stop_reason
    if status is not Status.COMPLETED:
        await withdraw(services, tenant, execution, ("",))
    sums = await sum_up(services.events, tenant, execution)
    record = await services.executions.end(
        tenant,
        execution,
        status=status,
        output=output,
        error=problem,
        stop_reason=reason,
        usage=sums.usage,
        turns=sums.turns,
        ended=datetime.now(UTC),
        seen=seen,
    )
    ending_event = last_event(record)
    # At the same time what need not wait for one another: the two cost one flush to disk.
    logged, _ = await asyncio.gather(
        services.events.append(tenant, execution, [*ending.events, ending_event]),
        services.usage.add(tenant, execution, record.workflow, ending_event, sums.whole),
    )
    if sums.has_waited:
        await services.tenant_budgets.forget_paused(tenant, execution)
    return record.status, logged


def last_event(record: Execution) -> Draft:
    """The event that ends the log of an execution whose record says that it has ended, and how."""
    facts: dict[str, Json] = {
        "stop_reason": record.stop_reason,
        "usage": record.usage.model_dump(mode="json"),
        "turns": record.turns,
    }
    if record.trace is not None:
        facts["trace"] = _span(record, record.trace)
    if record.error is not None:
        facts["error"] = record.error.model_dump(mode="json", exclude_none=True)
    type = _LAST[record.status]
    return Draft(id=type, type=type, time=record.ended or record.created, data=facts, value=record.output)


def _span(record: Execution, trace: Trace) -> Json:
    """The span of the whole execution, which ends now."""
    span = root_of(trace, record.id).around or ""
    return trace.begun(span, "invoke_workflow", record.created).as_data()


async def _output(ending: Ending, services: Services) -> tuple[Json, Problem | None]:
    """The workflow's result; an output template that cannot be rendered fails the execution."""
    if ending.error is not None:
        return None, ending.error
    loader = Loader(services, ending.tenant, ending.execution)
    try:
        if ending.template is None:
            return (await loader.plain({"value": ending.value or {"v": None}}))["value"], None
        return render(ending.template, await loader.plain(ending.scope)), None
    except ProblemError as error:
        return None, error.problem


@dataclass
class Sums:
    """What all calls have cost, how many of their answers were turns (what a chair or a judge says is none), and what
    there is to count of the log so far.
    """

    usage: Usage = field(default_factory=Usage)
    turns: int = 0
    offset: int = 0
    days: Days = field(default_factory=dict)
    has_waited: bool = False
    """For a budget of its tenant, of which a note tells that it does."""

    def add(self, events: Sequence[Event]) -> None:
        for event in events:
            cost = used(event.data) if event.type in _COSTLY else None
            if cost is not None:
                self.usage += cost
                self.turns += event.type is EventType.CALL_COMPLETED and "role" not in event.data
            self.has_waited |= event.type is EventType.BUDGET_REACHED and "budget" in event.data
        folded(events, self.days)
        self.offset = events[-1].offset

    @property
    def whole(self) -> Whole:
        return Whole(self.offset, self.days)


async def sum_up(log: EventLog, tenant: str, execution: str) -> Sums:
    sums = Sums()
    while page := await log.read(tenant, execution, sums.offset, PAGE):
        sums.add(page)
        if len(page) < PAGE:
            break
    return sums
