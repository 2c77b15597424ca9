"""Offline replays: what an action came to in the execution that is replayed, where that was no answer.

Nothing here calls, asks or waits: what is not recorded is a failure that says what differs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from domain import values
from domain.approvals import Approval, State
from domain.calls import Action, Arrival, Ask, Park, decided_id, requested_id
from domain.errors import Code, Problem, ProblemError, not_recorded
from domain.events import Draft, Event, EventType
from domain.steps import signal_preview
from services.wiring import Services

PAGE = 500


async def _failure_of(services: Services, action: Action) -> Problem | None:
    """What the call, or else its step, failed with at last; None when neither did."""
    of_call: Problem | None = None
    of_step: Problem | None = None
    async for event in _log(services, action):
        if event.data.get("call") == action.key and event.type is EventType.CALL_FAILED:
            of_call = None if "retry_in" in event.data else Problem.model_validate(event.data["error"])
        elif event.step == action.step and event.type is EventType.STEP_FAILED:
            of_step = Problem.model_validate(event.data["error"])
    # What was broken off had no end of its own: why its step ended there, such as a time limit, tells more.
    return of_step if of_call is None or of_call.code is Code.CANCELED else of_call


async def unanswered(services: Services, call: Action, asked: Mapping[str, str]) -> Problem:
    """As the call failed there, or that nothing is recorded of it as it is made now.

    `asked`: by name, a few digits for each part of what is asked now.
    """
    entry = await services.ledger.look_up(call.tenant, call.retry_of or "", call.key, call.step)
    if entry.answer is not None:
        before = entry.answer.data.get("asked", {})
        differs = [part for part in {**before, **asked} if before and before.get(part) != asked.get(part)]
        what = ", ".join(differs) or "something in it"
        return not_recorded(
            f"Execution {call.retry_of} was asked something else in `{call.key}`; what differs: {what}."
        )
    failure = await _failure_of(services, call)
    return failure or not_recorded(f"Execution {call.retry_of} made no call `{call.key}`, or never heard of its end.")


async def parked(park: Park, services: Services) -> Arrival:
    """What the wait came to: the event that it took, the time until which it waited, or that its time was up."""
    ended: Event | None = None
    until: str | None = None
    async for event in _log(services, park):
        if event.step == park.step and event.type is EventType.STEP_WAITING:
            until = event.data.get("until")
        elif event.step == park.step and event.type in (EventType.STEP_COMPLETED, EventType.STEP_FAILED):
            ended = event
    if ended is None:
        raise ProblemError(not_recorded(f"Execution {park.retry_of} did not come to the end of `{park.step}`."))
    if park.signal is None:
        return Arrival(value=values.inline({"until": until}))
    if ended.data.get("output") == signal_preview(park.signal):
        return await _received(park, park.signal, services)
    return Arrival(over=True)


async def _received(park: Park, name: str, services: Services) -> Arrival:
    """The event that came: the one the step took, or of an imported execution the earliest not handed over yet."""
    tenant, parent = park.tenant, park.retry_of or ""
    found = await services.signals.taken_by(tenant, parent, name, park.key)
    candidates = [found] if found else [event async for event in _log(services, park) if _is_signal(event, name)]
    ours = [f"{event.id}:taken-over" for event in candidates]
    handed = await services.events.get(tenant, park.execution, ours)
    for event, id in zip(candidates, ours, strict=True):
        if id not in handed or found:
            value = await services.events.value(tenant, parent, event)
            data = {**event.data, "reused_from": parent}
            draft = Draft(id=id, type=event.type, time=event.time, data=data, value=value)
            taken = await services.signals.hand_over(tenant, park.execution, name, park.key, draft)
            value = await services.events.value(tenant, park.execution, taken)
            return Arrival(value=values.recorded(value, taken.id))
    raise ProblemError(not_recorded(f"The log of execution {parent} has lost the event `{name}`."))


def _is_signal(event: Event, name: str) -> bool:
    return event.type is EventType.SIGNAL_RECEIVED and event.data.get("name") == name


async def decided_there(ask: Ask, made: Approval, services: Services) -> Approval:
    """The question as people, or its deadline, decided it. Raises `ProblemError` not_recorded."""
    parent = ask.retry_of or ""
    asked, told = requested_id(ask.key), decided_id(ask.key)
    found = await services.events.get(ask.tenant, parent, [asked, told])
    if asked not in found or told not in found:
        why = "was not decided" if asked in found else "was not asked"
        raise ProblemError(not_recorded(f"In execution {parent} the question `{ask.key}` {why}."))
    question = await services.events.value(ask.tenant, parent, found[asked])
    if not isinstance(question, dict) or (question.get("ask"), question.get("show")) != (made.ask, made.show):
        raise ProblemError(not_recorded(f"Execution {parent} asked people something else in `{ask.key}`."))
    decision = await services.events.value(ask.tenant, parent, found[told])
    said = {**found[told].data, **(decision if isinstance(decision, dict) else {})}
    kept = {
        "state": State.EXPIRED if said.get("how") == "deadline" else State.DECIDED,
        "decision": said.get("decision"),
        "comment": said.get("comment") or "",
        "by": said.get("by"),
        "decided": datetime.fromisoformat(said["decided"]) if said.get("decided") else found[told].time,
    }
    return Approval.model_validate({**made.model_dump(), **kept})


async def _log(services: Services, action: Action) -> AsyncIterator[Event]:
    """The log of the execution that is replayed."""
    offset = 0
    while page := await services.events.read(action.tenant, action.retry_of or "", offset, PAGE):
        for event in page:
            yield event
        offset = page[-1].offset
