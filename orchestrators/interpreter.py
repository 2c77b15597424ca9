"""Interprets steps: what all kinds share (conditions, limits, events, failures), and which pattern runs which kind.

Deterministic: it only reads definitions and recorded outcomes, and yields what the loom waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import timedelta
from typing import Any

from domain import values
from domain.errors import Code, Problem, ProblemError, canceled, timed_out
from domain.events import EventType
from domain.policies import FailureQuestion, Fallback, OnError
from domain.steps import (
    AgentStep,
    ApprovalStep,
    ConcurrentStep,
    GroupChatStep,
    HandoffStep,
    LoopStep,
    MapStep,
    SequentialStep,
    Step,
    SwitchStep,
    ToolStep,
    WaitStep,
    WorkflowStep,
)
from domain.tracing import Spanned
from domain.values import Json
from domain.workflows import walk
from orchestrators.agent import run_agent
from orchestrators.asking import ask_about_failure, run_approval
from orchestrators.branching import run_sequential, run_switch
from orchestrators.concurrent import run_concurrent
from orchestrators.group_chat import run_group_chat
from orchestrators.handoff import run_handoff
from orchestrators.loom import Canceled, FirstOf
from orchestrators.looping import run_loop
from orchestrators.mapping import run_map
from orchestrators.run import Run
from orchestrators.scope import Outcome, Scope
from orchestrators.steps import RunStep
from orchestrators.tool import run_tool
from orchestrators.tracing import step_begun, step_ended
from orchestrators.waiting import run_wait
from orchestrators.workflow_step import run_workflow

Pattern = Callable[[Run, Any, str, Scope, RunStep], Generator[Any, Any, Outcome]]

PATTERNS: dict[type, tuple[str, Pattern]] = {
    AgentStep: ("agent", run_agent),
    ToolStep: ("tool", run_tool),
    SequentialStep: ("sequential", run_sequential),
    ConcurrentStep: ("concurrent", run_concurrent),
    MapStep: ("map", run_map),
    GroupChatStep: ("group_chat", run_group_chat),
    HandoffStep: ("handoff", run_handoff),
    LoopStep: ("loop", run_loop),
    SwitchStep: ("switch", run_switch),
    ApprovalStep: ("approval", run_approval),
    WaitStep: ("wait", run_wait),
    WorkflowStep: ("workflow", run_workflow),
}
NOTHING: Mapping[str, Json] = {}
MOST_AGAIN = 100
"""How often a failed step is tried again because it was decided so: a deadline that says `retry` would never end."""
CALLING = (AgentStep, ToolStep)
"""The kinds that `defaults.timeout` is for."""
SHOWING = (SequentialStep, ConcurrentStep, SwitchStep)
"""The kinds after which the steps inside may be named."""


def run_step(run: Run, step: Step, path: str, scope: Scope) -> Generator[Any, Any, Outcome]:
    """Run one step at `path` and record its outcome in the scope, where later expressions find it.

    Of the steps in it that such expressions may name, those that never began count as skipped.
    """
    outcome = yield from _after_failure(run, step, path, scope)
    if not run.loom.is_canceled:  # else later steps have been told already, and may be under way
        scope.steps[step.id] = outcome.as_value()
        _record_inside(step, scope, Outcome(status="skipped"))
    return outcome


def _record_inside(step: Step, scope: Scope, outcome: Outcome) -> None:
    """Record it of the steps in this one that may be named and have none."""
    for inner in walk(step.children()) if isinstance(step, SHOWING) else ():
        scope.steps.setdefault(inner.id, outcome.as_value())


def _after_failure(run: Run, step: Step, path: str, scope: Scope) -> Generator[Any, Any, Outcome]:
    """The step's outcome after what its author asked for when it fails. What was canceled is never carried on.

    Tried again, a step runs from its beginning once nothing of it goes on any more: calls that are finished are not
    made again, but give what they gave.
    """
    on_error: OnError = step.on_error or scope.rules.defaults.on_error or "fail"
    number = 0
    while True:
        begun, again = run.loom.made(), str(number) if number else None
        outcome = yield from _attempted(run, step, path, scope, again)
        if outcome.error is None or on_error == "fail" or outcome.status == "canceled" or number == MOST_AGAIN:
            return outcome
        if isinstance(on_error, Fallback):
            return Outcome(value=values.inline(on_error.fallback), preview="(fallback)")
        if on_error == "skip":
            return _skipped(run, path, "on_error is skip")
        choice = yield from _decided(run, path, on_error.ask, outcome, number)
        if isinstance(choice, Outcome):
            return choice
        if choice == "skip":
            return _skipped(run, path, "so was decided")
        if left := run.loom.left(begun):
            while left:
                yield FirstOf(*left)
                left = run.loom.left(begun)
            # Asked once more, the settled question lifts what was canceled in the step since it was decided.
            yield from _decided(run, path, on_error.ask, outcome, number)
        run.retried(path)
        for inner in walk(step.children()):
            scope.steps.pop(inner.id, None)
        number += 1


def _skipped(run: Run, path: str, why: str) -> Outcome:
    run.emit(EventType.STEP_SKIPPED, path, reason=f"it failed, and {why}")
    return Outcome(status="skipped")


def _decided(
    run: Run, path: str, asked: FailureQuestion, failed: Outcome, number: int
) -> Generator[Any, Any, str | Outcome]:
    """What is to be done about the failure, `retry` or `skip`; else the step's outcome."""
    again = str(number) if number else None
    try:
        choice = yield from ask_about_failure(run, path, asked, failed.error or canceled(), number)
    except ProblemError as error:
        return _told(run, path, Outcome.failed(error.problem), again)
    except Canceled:
        return _told(run, path, Outcome.canceled(), again)
    return failed if choice == "fail" else choice


def _attempted(run: Run, step: Step, path: str, scope: Scope, again: str | None) -> Generator[Any, Any, Outcome]:
    """`again`: which repetition it is that a human asked for; its events are others than the first ones."""
    kind, pattern = PATTERNS[type(step)]
    span: Spanned | None = None
    if run.loom.is_canceled:
        return Outcome.canceled()
    if path in run.outputs:
        run.emit(EventType.STEP_STARTED, path, kind=kind)
        run.emit(EventType.STEP_COMPLETED, path, edited=True)
        return Outcome(value=run.outputs[path], preview="(given by the fork)")
    try:
        if step.when is not None and not (yield from run.condition(step.when, scope, path)):
            run.emit(EventType.STEP_SKIPPED, path, reason=f"`{step.when}` is false")
            return Outcome(status="skipped")
        run.emit(EventType.STEP_STARTED, path, about=again, kind=kind)
        span = step_begun(run, step, path, kind, scope.rules.trace, again)
        inner = scope.under(scope.rules.within(step, path, span.span if span else None))
        limit = step.timeout or (scope.rules.defaults.timeout if isinstance(step, CALLING) else None)
        working = pattern(run, step, path, inner, run_step)
        outcome = yield from working if limit is None else _limited(run, path, working, limit)
        if limit is not None and outcome.error == _timed_out(path, limit):
            _record_inside(step, scope, Outcome.canceled())
    except ProblemError as error:
        outcome = Outcome.failed(error.problem)
    except Canceled:
        outcome = Outcome.canceled()
    # What is not needed any more may still have come to its end.
    outcome = Outcome.canceled() if run.loom.is_canceled else outcome
    return _told(run, path, outcome, again, step_ended(run, step, path, span, outcome.error))


def _told(run: Run, path: str, outcome: Outcome, again: str | None, traced: Mapping[str, Json] = NOTHING) -> Outcome:
    """The outcome, with the event that says it; `traced`: what it says of the step's span."""
    if outcome.error is None:
        why = {"stop_reason": outcome.stop_reason, "evidence": outcome.evidence} if outcome.stop_reason else {}
        run.emit(EventType.STEP_COMPLETED, path, about=again, output=outcome.preview, **why, **traced)
        return outcome
    if outcome.error.code is Code.CANCELED:
        run.emit(EventType.STEP_CANCELED, path, about=again, reason="what it is part of was canceled", **traced)
        return Outcome.canceled()
    error = outcome.error.model_dump(mode="json", exclude_defaults=True)
    run.emit(EventType.STEP_FAILED, path, about=again, error=error, **traced)
    return outcome


def _limited(
    run: Run, path: str, working: Generator[Any, Any, Outcome], limit: timedelta
) -> Generator[Any, Any, Outcome]:
    """The outcome of the work, or a failure when the time is up first; the work is then canceled."""
    strand = run.loom.spawn(working)
    if (yield from run.before(run.now + limit, strand)):
        outcome: Outcome = strand.result()
        return outcome
    if not run.loom.is_canceled:
        yield from run.cancel({path: strand}, f"its timeout of {limit} is over", own=True)
    return Outcome.failed(_timed_out(path, limit))


def _timed_out(path: str, limit: timedelta) -> Problem:
    return timed_out(f"Step `{path}` took longer than its timeout of {limit}.")
