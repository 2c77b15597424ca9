"""Interprets steps: what all kinds share (conditions, limits, events, failures), and which pattern runs which kind.

Deterministic: it only reads definitions and recorded outcomes, and yields what the loom waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import timedelta
from itertools import count
from typing import Any

from domain import values
from domain.errors import Code, ProblemError, timed_out
from domain.events import EventType
from domain.policies import Ask, Fallback, OnError
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
from orchestrators.agent import run_agent
from orchestrators.asking import ask_about_failure, run_approval
from orchestrators.branching import run_sequential, run_switch
from orchestrators.concurrent import run_concurrent
from orchestrators.group_chat import run_group_chat
from orchestrators.handoff import run_handoff
from orchestrators.loom import Canceled
from orchestrators.looping import run_loop
from orchestrators.mapping import run_map
from orchestrators.run import Run
from orchestrators.scope import Outcome, Scope
from orchestrators.steps import RunStep
from orchestrators.tool import run_tool
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
CALLING = (AgentStep, ToolStep)
"""The kinds that `defaults.timeout` is for."""


def run_step(run: Run, step: Step, path: str, scope: Scope) -> Generator[Any, Any, Outcome]:
    """Run one step at `path` and record its outcome in the scope, where later expressions find it."""
    outcome = yield from _after_failure(run, step, path, scope)
    scope.steps[step.id] = outcome.as_value()
    return outcome


def _after_failure(run: Run, step: Step, path: str, scope: Scope) -> Generator[Any, Any, Outcome]:
    """The step's outcome after what its author asked for when it fails. What was canceled is never carried on."""
    on_error: OnError = step.on_error or scope.rules.defaults.on_error or "fail"
    for number in count():
        outcome = yield from _attempted(run, step, path, scope, str(number) if number else None)
        if outcome.error is None or on_error == "fail" or outcome.status == "canceled":
            return outcome
        if isinstance(on_error, Fallback):
            return Outcome(value=values.inline(on_error.fallback), preview="(fallback)")
        choice, why = "skip", "on_error is skip"
        if isinstance(on_error, Ask):
            choice = yield from ask_about_failure(run, path, on_error.ask, outcome.error, number)
            why = "so was decided"
        if choice == "fail":
            return outcome
        if choice == "skip":
            run.emit(EventType.STEP_SKIPPED, path, reason=f"it failed, and {why}")
            return Outcome(status="skipped")
    raise AssertionError("count() does not end")


def _attempted(run: Run, step: Step, path: str, scope: Scope, again: str | None) -> Generator[Any, Any, Outcome]:
    """`again`: which repetition it is that a human asked for; its events are others than the first ones."""
    kind, pattern = PATTERNS[type(step)]
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
        inner = scope.under(scope.rules.within(step, path))
        limit = step.timeout or (scope.rules.defaults.timeout if isinstance(step, CALLING) else None)
        working = pattern(run, step, path, inner, run_step)
        outcome = yield from working if limit is None else _limited(run, path, working, limit)
    except ProblemError as error:
        outcome = Outcome.failed(error.problem)
    except Canceled:
        outcome = Outcome.canceled()
    return _told(run, path, outcome, again)


def _told(run: Run, path: str, outcome: Outcome, again: str | None) -> Outcome:
    """The outcome, with the event that says it."""
    if outcome.error is None:
        why = {"stop_reason": outcome.stop_reason, "evidence": outcome.evidence} if outcome.stop_reason else {}
        run.emit(EventType.STEP_COMPLETED, path, about=again, output=outcome.preview, **why)
        return outcome
    if outcome.error.code is Code.CANCELED:
        run.emit(EventType.STEP_CANCELED, path, about=again, reason="what it is part of was canceled")
        return Outcome.canceled()
    error = outcome.error.model_dump(mode="json", exclude_defaults=True)
    run.emit(EventType.STEP_FAILED, path, about=again, error=error)
    return outcome


def _limited(
    run: Run, path: str, working: Generator[Any, Any, Outcome], limit: timedelta
) -> Generator[Any, Any, Outcome]:
    """The outcome of the work, or a failure when the time is up first; the work is then canceled."""
    strand = run.loom.spawn(working)
    if (yield from run.before(run.now + limit, strand)):
        outcome: Outcome = strand.result()
        return outcome
    yield from run.cancel({path: strand}, f"its timeout of {limit} is over")
    return Outcome.failed(timed_out(f"Step `{path}` took longer than its timeout of {limit}."))
