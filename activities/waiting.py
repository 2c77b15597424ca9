"""What a strand does before it waits for a human or an event, and each time it is woken: leave a note, then look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from activities.loading import Loader
from activities.replaying import decided_there, parked
from domain import values
from domain.approvals import MOST_SHOWN, OPTIONS, Approval, Kind, State
from domain.calls import Action, Arrival, Ask, Park, decided_id
from domain.chat_prompts import shown_text
from domain.errors import ProblemError, canceled
from domain.events import Draft, Event, EventType
from domain.expressions import as_text, render
from domain.hearing import heard
from domain.tracing import Resumed
from domain.values import Json, Value
from services.approvals import approval_id, expired, withdrawn
from services.documents.base import Delete
from services.waits import waiting, waiting_id
from services.wiring import Services

ABOUT_FAILURES = (Kind.FAILURE, Kind.UNCERTAIN)
"""Questions about what happened here: nobody has answered them elsewhere."""


async def perform_park(park: Park, services: Services) -> tuple[Arrival, list[Event]]:
    """What the strand waits for, if it is there."""
    if park.offline and (park.signal is not None or park.key == f"{park.step}!0"):
        return await _replayed(park, services)
    events = await _note(park, services, list(park.events))
    if park.signal is not None:
        taken = await _signal(park, park.signal, services)
        if taken is not None:
            value = await services.events.value(park.tenant, park.execution, taken)
            return Arrival(value=values.recorded(value, taken.id)), events
    if await _is_canceled(park, services):
        return Arrival(error=canceled()), events
    return Arrival(), events


async def _replayed(park: Park, services: Services) -> tuple[Arrival, list[Event]]:
    events = await services.events.append(park.tenant, park.execution, park.events)
    try:
        return await parked(park, services), events
    except ProblemError as error:
        return Arrival(error=error.problem), events


async def _signal(park: Park, name: str, services: Services) -> Event | None:
    """What the step took in the execution this one goes on from, else the earliest that nobody has taken."""
    tenant, execution, key = park.tenant, park.execution, park.key
    before = await services.signals.taken_by(tenant, park.retry_of, name, key) if park.retry_of else None
    if before is None or (park.retry_until is not None and before.offset >= park.retry_until):
        return await services.signals.take(tenant, execution, name, key)
    value = await services.events.value(tenant, park.retry_of or "", before)
    data = {**before.data, "reused_from": park.retry_of}
    draft = Draft(id=f"{before.id}:taken-over", type=before.type, time=before.time, data=data, value=value)
    return await services.signals.hand_over(tenant, execution, name, key, draft)


async def perform_ask(ask: Ask, services: Services) -> tuple[Arrival, list[Event]]:
    """The decision, if there is one. The question is made at the first try, and closed when its time is up."""
    try:
        approval, told = await _asked(ask, services)
    except ProblemError as error:
        return Arrival(error=error.problem), await services.events.append(ask.tenant, ask.execution, ask.events)
    events: list[Event] = await _note(ask, services, [*ask.events, *told])
    if approval.created < ask.time and _came_to_nothing(approval):
        return Arrival(stale=True), events
    if ask.expired:
        approval, _ = await services.approvals.settle(ask.tenant, approval.id, expired)
    else:
        approval = await services.approvals.get(ask.tenant, approval.id) or approval
    if approval.state in (State.DECIDED, State.EXPIRED):
        return await _decided(ask, approval, services, events)
    if approval.state is State.WITHDRAWN or await _is_canceled(ask, services):
        # Whoever canceled may have looked for open questions before this one was asked.
        await services.approvals.settle(ask.tenant, approval.id, withdrawn)
        return Arrival(error=canceled()), events
    return Arrival(), events


def _came_to_nothing(approval: Approval) -> bool:
    """Whether a step that is tried again has to ask again: nobody has said anything that still counts."""
    return approval.state is State.WITHDRAWN or approval.decision == "fail"


async def _asked(ask: Ask, services: Services) -> tuple[Approval, list[Draft]]:
    """The question as it stands, and what is to be logged of it."""
    id = approval_id(ask.execution, ask.key)
    approval = await services.approvals.get(ask.tenant, id)
    if approval is None or (approval.state is State.WITHDRAWN and not await _is_canceled(ask, services)):
        approval = await services.approvals.put(await _reused(ask, await _made(ask, id, services), services))
    told = [_requested(ask, approval)]
    if ask.escalate_to and not approval.escalated:

        def escalate(before: Approval) -> Approval:
            roles = tuple(dict.fromkeys([*before.roles, *ask.escalate_to]))
            return before.model_copy(update={"roles": roles, "escalated": True})

        approval, changed = await services.approvals.settle(ask.tenant, id, escalate)
        if changed:
            told.append(_about(ask, EventType.APPROVAL_ESCALATED, {"approval": id, "roles": list(approval.roles)}))
    return approval, told


async def _made(ask: Ask, id: str, services: Services) -> Approval:
    loader = Loader(services, ask.tenant, ask.execution)
    scope = await loader.plain(ask.scope)
    # A failure's message is no template, whatever is in it.
    question = ask.ask if ask.kind in ABOUT_FAILURES else as_text(render(ask.ask, scope))
    show = _bounded(render(ask.show, scope)) if ask.show else None
    if ask.chat is not None:
        task = await loader.plain(ask.chat.task.scope)
        show = shown_text(ask.chat, task, *await loader.seen(ask.chat), MOST_SHOWN)
    return Approval(
        id=id,
        tenant=ask.tenant,
        execution=ask.execution,
        workflow=ask.workflow,
        step=ask.step,
        kind=ask.kind,
        ask=question[:MOST_SHOWN],
        show=show,
        options=OPTIONS[ask.kind],
        roles=ask.roles,
        created=ask.time,
        deadline=ask.deadline,
        otherwise=ask.otherwise,
    )


async def _reused(ask: Ask, made: Approval, services: Services) -> Approval:
    """As it was decided in the execution this one goes on from, if it was asked the same there."""
    if ask.offline:
        return await decided_there(ask, made, services)
    if ask.retry_of is None or ask.kind in ABOUT_FAILURES:
        return made
    before = await services.approvals.get(ask.tenant, approval_id(ask.retry_of, ask.key))
    same = before is not None and (before.ask, before.show) == (made.ask, made.show)
    if before is None or not same or before.state is not State.DECIDED:
        return made
    found = await services.events.get(ask.tenant, ask.retry_of, [decided_id(ask.key)])
    told = found.get(decided_id(ask.key))
    if ask.retry_until is not None and (told is None or told.offset >= ask.retry_until):
        return made
    kept = {"state": before.state, "decision": before.decision, "comment": before.comment, "by": before.by}
    return made.model_copy(update={**kept, "decided": before.decided})


async def _decided(
    ask: Ask, approval: Approval, services: Services, events: list[Event]
) -> tuple[Arrival, list[Event]]:
    decision = {
        "decision": approval.decision,
        "by": approval.by,
        "comment": approval.comment,
        "decided": approval.decided.isoformat() if approval.decided else None,
    }
    how = "decided" if approval.state is State.DECIDED else "deadline"
    facts = {"approval": approval.id, "decision": approval.decision, "by": approval.by, "how": how, **ask.data}
    facts |= {"comment": approval.comment[:300], "decided": decision["decided"], **_resumed(ask, approval)}
    draft = _about(ask, EventType.APPROVAL_DECIDED, facts)
    told = _by_part(decision, draft.id)
    is_referred_to = ask.kind in (Kind.TURN, Kind.UNCERTAIN) or "o" in told
    draft = draft.model_copy(update={"value": decision if is_referred_to else None})
    marks = [Delete(waiting_id(ask.key))]
    if ask.kind is Kind.FAILURE and approval.decision == "retry":
        # What was canceled with the failed step, or in it, is to run again.
        marks += await services.controls.unmarking(ask.tenant, ask.execution, ask.step)
    logged = await services.events.append(ask.tenant, ask.execution, [draft], *marks)
    words = "" if approval.decision == "pass" else approval.comment.strip()
    return Arrival(**dict(heard(words, ask)), value=told), [*events, *logged]


def _by_part(decision: dict[str, Json], event_id: str) -> Value:
    """The decision as an orchestrator holds it: at hand, but for long words."""
    parts = {key: values.inline(part) for key, part in decision.items()}
    if values.size_of(decision["comment"]) > values.INLINE_BYTES:
        parts["comment"] = values.reference(event_id, ["comment"])
    return values.of_object(parts)


def _requested(ask: Ask, approval: Approval) -> Draft:
    facts: dict[str, Json] = {
        "approval": approval.id,
        "kind": approval.kind,
        "roles": list(ask.roles),
        "options": list(approval.options),
        "deadline": ask.deadline.isoformat() if ask.deadline else None,
        "otherwise": ask.otherwise,
        **ask.data,
    }
    if ask.trace is not None:
        span = ask.trace.child("ask", ask.key)
        facts["trace"] = ask.trace.begun(span, "ask", ask.time, name=approval.kind).as_data()
    draft = _about(ask, EventType.APPROVAL_REQUESTED, facts)
    return draft.model_copy(update={"value": {"ask": approval.ask, "show": approval.show}, "time": ask.time})


def _resumed(ask: Ask, approval: Approval) -> dict[str, Json]:
    """The span from the decision until now, which goes on from the one of the question."""
    if ask.trace is None:
        return {}
    before = Resumed(span=ask.trace.child("ask", ask.key), reason=approval.kind)
    began, span = approval.decided or datetime.now(UTC), ask.trace.child("decided", ask.key)
    return {"trace": ask.trace.begun(span, "resume", began, resumed=before).as_data()}


def _about(ask: Ask, type: EventType, data: dict[str, Any]) -> Draft:
    return Draft(id=f"{ask.key}:{type}", type=type, time=datetime.now(UTC), step=ask.step, data=data)


async def _note(action: Action, services: Services, drafts: list[Draft]) -> list[Event]:
    return await services.events.append(action.tenant, action.execution, drafts, waiting(action))


async def _is_canceled(action: Action, services: Services) -> bool:
    about_failure = isinstance(action, Ask) and action.kind is Kind.FAILURE
    return (await services.controls.standing(action, about_failure=about_failure)).canceled


def _bounded(shown: Json) -> Json:
    return shown if len(as_text(shown)) <= MOST_SHOWN else as_text(shown)[:MOST_SHOWN] + "…"
