"""Questions to humans: asked by an activity, waited for without a bound, settled once. Deterministic.

Who decides and the deadline may come at the same moment: the record, not the orchestrator, says which was first.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any

from domain import values
from domain.approvals import Kind
from domain.calls import Arrival, Ask, following_key
from domain.errors import Problem, ProblemError, nobody_answered
from domain.policies import FailureQuestion, Question
from domain.steps import ApprovalStep
from domain.values import Json, Value
from orchestrators.run import Run
from orchestrators.scope import Outcome, Scope


def run_approval(run: Run, step: ApprovalStep, path: str, scope: Scope, _run_step: Any) -> Generator[Any, Any, Outcome]:
    asked = step.approval
    sources = [source for source in (asked.ask, asked.show) if source]
    question = Ask(
        **run.about(f"{path}?0", path, scope.rules.trace),
        kind=Kind.APPROVAL,
        workflow=run.workflow_name,
        ask=asked.ask,
        show=asked.show,
        scope=scope.used_by(*sources),
        roles=asked.roles,
        otherwise=asked.otherwise,
        time=run.now,
    )
    answer = yield from answered(run, question, asked)
    decision = decision_in(answer)
    if decision == "fail":
        return Outcome.failed(nobody_answered(f"Nobody answered `{path}` within {asked.deadline}."))
    told = {part: values.at(answer, part) for part in ("by", "comment", "decided")}
    output = values.of_object({"approved": values.inline(decision == "approve"), **told})
    who = told["by"]["v"] or "the deadline"
    return Outcome(value=output, preview=f"{decision}, by {who}")


def ask_about_failure(
    run: Run, path: str, asked: FailureQuestion, error: Problem, number: int = 0
) -> Generator[Any, Any, str]:
    """What a human says is to be done about a failed step: `retry`, `skip` or `fail`."""
    question = Ask(
        **run.about(f"{path}?failure{number}", path),
        kind=Kind.FAILURE,
        workflow=run.workflow_name,
        ask=f"Step `{path}` failed. {error.message}",
        roles=asked.roles,
        otherwise=asked.otherwise,
        time=run.now,
    )
    return decision_in((yield from answered(run, question, asked)))


def answered(run: Run, question: Ask, asked: Question) -> Generator[Any, Any, Value]:
    """The decision, a value `{decision, by, comment, decided}`. Raises `ProblemError` canceled."""
    _, arrival = yield from settled(run, question, asked)
    return arrival.value or values.inline(None)


def decision_in(answer: Value) -> str:
    """Which of the options was decided."""
    decision: str = values.at(answer, "decision")["v"]
    return decision


def settled(run: Run, question: Ask, asked: Question) -> Generator[Any, Any, tuple[str, Arrival]]:
    """As `answered`: the key it was asked under, and what was heard of the words. Raises `ProblemError` canceled."""
    deadline = run.now + asked.deadline if asked.deadline else None
    escalates = run.now + asked.escalate.after if asked.escalate else None
    question = question.model_copy(update={"deadline": deadline})
    while True:
        sent, found = yield from run.insist("ask_human", question)
        arrival = without_error(found)
        if arrival.stale:
            question = question.model_copy(update={"key": following_key(question.key)})
            continue
        if arrival.value is not None:
            return question.key, arrival
        until = _earliest(escalates, deadline)
        if not (yield from run.idle(sent.wake, until)):
            continue
        if asked.escalate and until == escalates:
            escalates = None
            question = question.model_copy(update={"escalate_to": asked.escalate.roles})
        else:
            question = question.model_copy(update={"expired": True})


def arrived(found: Json) -> Value | None:
    """What an activity found, if anything. Raises `ProblemError`."""
    return without_error(found).value


def without_error(found: Json) -> Arrival:
    """What an activity answered. Raises `ProblemError`."""
    arrival = Arrival.model_validate(found)
    if arrival.error is not None:
        raise ProblemError(arrival.error)
    return arrival


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
