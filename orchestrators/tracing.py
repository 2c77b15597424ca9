"""The spans of steps and turns, as events and calls carry them. Deterministic: their ids follow from their places."""

from __future__ import annotations

from domain.base import split_reference
from domain.calls import ModelCall
from domain.errors import Problem
from domain.steps import AgentStep, Step, WaitEvent, WaitStep
from domain.tracing import Resumed, Spanned, Trace
from domain.values import Json
from orchestrators.run import Run


def as_turn(run: Run, call: ModelCall, within: Trace | None = None) -> ModelCall:
    """The first call of a turn that is no step of its own: the turn has a span, in that of the call or of `within`."""
    around = within or call.trace
    if around is None:
        return call
    trace = Trace(parent=around.parent, workflow=around.workflow)
    span = trace.child("turn", call.key)
    turn = trace.begun(span, "invoke_agent", run.now, name=split_reference(call.agent)[0])
    return call.model_copy(update={"trace": trace.within(span), "turn": turn})


def step_begun(run: Run, step: Step, path: str, kind: str, trace: Trace | None, again: str | None) -> Spanned | None:
    """The span of a step that begins; `again`: which repetition of it, each of which has its own."""
    if trace is None:
        return None
    span = trace.child("step", path, *([again] if again else []))
    name = split_reference(step.agent)[0] if isinstance(step, AgentStep) else ""
    found = run.spans[path] = trace.begun(span, kind, run.now, name=name)
    return found


def step_ended(run: Run, step: Step, path: str, span: Spanned | None, error: Problem | None) -> dict[str, Json]:
    """What the event of its end says of the span, if anything."""
    run.spans.pop(path, None)
    if span is None:
        return {}
    if isinstance(step, WaitStep) and error is None:
        reason = "event" if isinstance(step.wait, WaitEvent) else "time"
        span = span.model_copy(update={"resumed": Resumed(span=span.inside.child("wait"), reason=reason)})
    return {"trace": span.as_data()}


def wait_begun(run: Run, trace: Trace | None) -> dict[str, Json]:
    """What the event that a step waits says of its span, which is sent before the wait: what resumes leads there."""
    return {} if trace is None else {"trace": trace.begun(trace.child("wait"), "wait", run.now).as_data()}
