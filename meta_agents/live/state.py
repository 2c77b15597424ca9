"""The state of an execution as a pure function of its events and deltas: no clock, no I/O, no terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from pydantic import ValidationError

from meta_agents.following import Item
from meta_agents.live.waits import Question, Wait, escalated, is_within, outside, question_of, wait_of
from meta_agents.results import TERMINAL_EVENTS, Delta, Event, Json, Problem, Usage


class Progress(StrEnum):
    """How far a step is."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELED = "canceled"


@dataclass(frozen=True)
class Step:
    path: str
    kind: str
    progress: Progress


@dataclass(frozen=True)
class Call:
    """A call of a model, or of a tool (named as the agent), that has not ended.

    `text` is what is known of the answer, from its character `start` on.
    """

    key: str
    step: str
    agent: str
    attempt: int
    role: str | None = None
    text: str = ""
    start: int = 0
    waiting: str | None = None
    """Why it is not writing: the last attempt's failure. None while an attempt is under way."""


@dataclass(frozen=True)
class Turn:
    """A finished answer of an agent."""

    step: str
    agent: str
    event: Event
    """The `call.completed` event that holds the answer."""
    usage: Usage
    reused_from: str | None = None


@dataclass(frozen=True)
class State:
    """What is true of an execution after the events so far."""

    execution: str = ""
    """Its id, which no event says: whoever knows it begins with it."""
    workflow: str = ""
    version: int | None = None
    status: str = "running"
    started: datetime | None = None
    ended: datetime | None = None
    steps: Mapping[str, Step] = field(default_factory=dict)
    """By path, in the order they started."""
    calls: Mapping[str, Call] = field(default_factory=dict)
    """Those that have not ended, by key, in the order they started."""
    waits: Mapping[str, Wait] = field(default_factory=dict)
    """By path of the step that waits."""
    questions: Mapping[str, Question] = field(default_factory=dict)
    """Those that are open, by id."""
    transcript: tuple[Turn, ...] = ()
    """Finished answers of agents in log order; a chair's choices are not among them."""
    agents: tuple[str, ...] = ()
    """Everyone who was heard of, in order of appearance."""
    usage: Usage = field(default_factory=Usage)
    stop_reason: str | None = None
    error: Problem | None = None
    output: Json = None

    @property
    def is_ended(self) -> bool:
        return self.status in TERMINAL_EVENTS.values()


def reduce(state: State, item: Item) -> State:
    """The state after one more item, given in the order `follow` yields them. Unknown event types change nothing."""
    if isinstance(item, Delta):
        return _delta(state, item)
    if item.agent is not None and item.agent not in state.agents:
        state = replace(state, agents=(*state.agents, item.agent))
    handle = _HANDLERS.get(item.type)
    return handle(state, item) if handle else state


def problem_of(event: Event) -> Problem | None:
    """The failure an event tells of; None when it tells of none that can be read."""
    try:
        return Problem.model_validate(event.data.get("error"))
    except ValidationError:
        return None


def usage_of(event: Event) -> Usage:
    """What an event's work cost, a call that broke off included; nothing when it does not say."""
    try:
        return Usage.model_validate(event.data.get("usage") or event.data.get("spent"))
    except ValidationError:
        return Usage()


def text_of(data: Mapping[str, Json], key: str) -> str | None:
    """An event's small fact as text; None when it is absent."""
    value = data.get(key)
    return None if value is None else str(value)


def _started(state: State, event: Event) -> State:
    version = event.data.get("version")
    return replace(
        state,
        workflow=text_of(event.data, "workflow") or "",
        version=version if isinstance(version, int) else None,
        started=event.time,
    )


def _ended(state: State, event: Event) -> State:
    # What was under way has nobody left to end it.
    steps = {
        path: replace(step, progress=Progress.CANCELED) if step.progress is Progress.RUNNING else step
        for path, step in state.steps.items()
    }
    return replace(
        state,
        status=TERMINAL_EVENTS[event.type],
        ended=event.time,
        steps=steps,
        calls={},
        waits={},
        questions={},
        usage=usage_of(event) if "usage" in event.data else state.usage,
        stop_reason=text_of(event.data, "stop_reason"),
        error=problem_of(event),
        output=event.value,
    )


def _status(status: str) -> Callable[[State, Event], State]:
    return lambda state, _: replace(state, status=status)


def _step(progress: Progress) -> Callable[[State, Event], State]:
    def handle(state: State, event: Event) -> State:
        path = event.step or ""
        known = state.steps.get(path)
        kind = text_of(event.data, "kind") or (known.kind if known else "")
        waits = {at: wait for at, wait in state.waits.items() if at != path}
        return replace(state, steps={**state.steps, path: Step(path, kind, progress)}, waits=waits)

    return handle


def _step_canceled(state: State, event: Event) -> State:
    """Nothing in it is waited for any more, before each has come to its own end."""
    path = event.step or ""
    return replace(
        _step(Progress.CANCELED)(state, event),
        calls={key: call for key, call in state.calls.items() if not is_within(call.step, path)},
        waits=outside(path, state.waits),
        questions={id: asked for id, asked in state.questions.items() if not is_within(asked.step, path)},
    )


def _step_waiting(state: State, event: Event) -> State:
    wait = wait_of(event)
    return state if wait is None else replace(state, waits={**state.waits, wait.step: wait})


def _asked(state: State, event: Event) -> State:
    asked = question_of(event)
    return replace(state, questions={**state.questions, asked.id: asked})


def _escalated(state: State, event: Event) -> State:
    asked = state.questions.get(text_of(event.data, "approval") or "")
    return state if asked is None else replace(state, questions={**state.questions, asked.id: escalated(asked, event)})


def _decided(state: State, event: Event) -> State:
    settled = text_of(event.data, "approval")
    return replace(state, questions={id: asked for id, asked in state.questions.items() if id != settled})


def _call_started(state: State, event: Event) -> State:
    key = text_of(event.data, "call") or ""
    # A new attempt starts from nothing: what the one before had written was discarded.
    call = Call(
        key=key,
        step=event.step or "",
        agent=text_of(event.data, "tool") or event.agent or "",
        attempt=_attempt(event),
        role=text_of(event.data, "role"),
    )
    return replace(state, calls={**state.calls, key: call})


def _call_completed(state: State, event: Event) -> State:
    usage = usage_of(event)
    reused_from = text_of(event.data, "reused_from")
    state = replace(_without_call(state, event), usage=_paid(state, event))
    if event.data.get("role") is not None or event.agent is None or "tool" in event.data:
        return state
    turn = Turn(event.step or "", event.agent or "", event, usage, reused_from)
    return replace(state, transcript=(*state.transcript, turn))


def _paid(state: State, event: Event) -> Usage:
    """What it all cost so far. A reused answer was paid for by the execution that it comes from."""
    return state.usage if "reused_from" in event.data else state.usage + usage_of(event)


def _call_rejected(state: State, event: Event) -> State:
    """An answer that did not fit, or asks for tools, was paid for nevertheless."""
    return replace(_without_call(state, event), usage=_paid(state, event))


def _call_failed(state: State, event: Event) -> State:
    state = replace(state, usage=_paid(state, event))
    call = state.calls.get(text_of(event.data, "call") or "")
    if call is None or event.data.get("retry_in") is None:
        return _without_call(state, event)
    problem = problem_of(event)
    waiting = replace(call, text="", start=0, waiting=problem.message if problem else "it failed")
    return replace(state, calls={**state.calls, call.key: waiting})


def _without_call(state: State, event: Event) -> State:
    key = text_of(event.data, "call")
    return replace(state, calls={other: call for other, call in state.calls.items() if other != key})


def _delta(state: State, delta: Delta) -> State:
    call = state.calls.get(delta.call)
    if call is None or delta.attempt < call.attempt:
        return state
    if call.waiting is not None and delta.attempt == call.attempt:
        return state  # it comes late: its attempt has failed, and what it had written counts no longer
    if delta.attempt > call.attempt:
        # Deltas travel apart from the log and may overtake the event that starts their attempt.
        call = replace(call, attempt=delta.attempt, text="", start=0, waiting=None)
    end = call.start + len(call.text)
    if delta.position > end:
        # Pieces were missed while disconnected: what is known begins here.
        call = replace(call, text=delta.text, start=delta.position)
    else:
        call = replace(call, text=call.text + delta.text[end - delta.position :])
    return replace(state, calls={**state.calls, call.key: call})


def _attempt(event: Event) -> int:
    attempt = event.data.get("attempt")
    return attempt if isinstance(attempt, int) else 1


_HANDLERS: Mapping[str, Callable[[State, Event], State]] = {
    "execution.started": _started,
    **dict.fromkeys(TERMINAL_EVENTS, _ended),
    "execution.paused": _status("paused"),
    "execution.resumed": _status("running"),
    "execution.cancel_requested": _status("canceling"),
    "step.started": _step(Progress.RUNNING),
    "step.completed": _step(Progress.COMPLETED),
    "step.failed": _step(Progress.FAILED),
    "step.skipped": _step(Progress.SKIPPED),
    "step.canceled": _step_canceled,
    "step.waiting": _step_waiting,
    "call.started": _call_started,
    "call.completed": _call_completed,
    "call.rejected": _call_rejected,
    "call.asked": _call_rejected,
    "call.failed": _call_failed,
    "approval.requested": _asked,
    "approval.escalated": _escalated,
    "approval.decided": _decided,
}
