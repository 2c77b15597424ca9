"""Interprets steps: what all kinds share (conditions, events, failure policy), and which pattern runs which kind.

Deterministic: it only reads definitions and recorded outcomes, and yields durable tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from domain import values
from domain.errors import ProblemError
from domain.events import EventType
from domain.policies import Fallback
from domain.steps import AgentStep, ConcurrentStep, GroupChatStep, MapStep, SequentialStep, Step
from orchestrators.agent import run_agent
from orchestrators.concurrent import run_concurrent
from orchestrators.group_chat import run_group_chat
from orchestrators.mapping import run_map
from orchestrators.run import Outcome, Run, Scope
from orchestrators.sequential import run_sequential

Pattern = Callable[[Run, Any, str, Scope, "RunStep"], Generator[Any, Any, Outcome]]
RunStep = Callable[[Run, Step, str, Scope], Generator[Any, Any, Outcome]]

PATTERNS: dict[type, tuple[str, Pattern]] = {
    AgentStep: ("agent", run_agent),
    SequentialStep: ("sequential", run_sequential),
    ConcurrentStep: ("concurrent", run_concurrent),
    MapStep: ("map", run_map),
    GroupChatStep: ("group_chat", run_group_chat),
}


def run_step(run: Run, step: Step, path: str, scope: Scope) -> Generator[Any, Any, Outcome]:
    """Run one step at `path` and record its outcome in the scope, where later expressions find it."""
    outcome = yield from _guarded(run, step, path, scope)
    outcome = _after_failure(run, step, path, outcome)
    scope.steps[step.id] = outcome.as_value()
    return outcome


def _guarded(run: Run, step: Step, path: str, scope: Scope) -> Generator[Any, Any, Outcome]:
    kind, pattern = PATTERNS[type(step)]
    try:
        if step.when is not None and not (yield from run.condition(step.when, scope, path)):
            run.emit(EventType.STEP_SKIPPED, path, reason=f"`{step.when}` is false")
            return Outcome(status="skipped")
        run.emit(EventType.STEP_STARTED, path, kind=kind)
        outcome = yield from pattern(run, step, path, scope, run_step)
    except ProblemError as error:
        outcome = Outcome.failed(error.problem)
    if outcome.error is None:
        run.emit(EventType.STEP_COMPLETED, path, output=outcome.preview)
    else:
        run.emit(EventType.STEP_FAILED, path, error=outcome.error.model_dump(mode="json", exclude_defaults=True))
    return outcome


def _after_failure(run: Run, step: Step, path: str, outcome: Outcome) -> Outcome:
    """What the author asked for when the step fails. A canceled execution is never carried on."""
    if outcome.error is None or step.on_error in (None, "fail") or outcome.error.code == "canceled":
        return outcome
    if isinstance(step.on_error, Fallback):
        return Outcome(value=values.inline(step.on_error.fallback), preview="(fallback)")
    run.emit(EventType.STEP_SKIPPED, path, reason="it failed, and on_error is skip")
    return Outcome(status="skipped")
