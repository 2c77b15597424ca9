"""One call of a tool, whoever asks for it; what became of one that was cut off, a human says. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain.approvals import Kind
from domain.calls import Ask, CallOutcome, Settled, ToolCall, decided_id, following_key
from domain.errors import Code, Problem
from domain.policies import Question
from orchestrators.asking import decision_in, settled
from orchestrators.run import Run
from orchestrators.trying import tried


def call_tool(run: Run, call: ToolCall) -> Generator[Any, Any, CallOutcome]:
    """The call's outcome. Raises `ProblemError` canceled.

    One that nobody knows to have been carried out is made anew only where a human says so, or had the step tried again.
    """
    for _ in range(run.retries(call.step) + 1):
        outcome = yield from _certain(run, call)
        if outcome.error is None or outcome.error.code is not Code.TOOL_UNCERTAIN:
            break
        call = call.model_copy(update={"key": following_key(call.key)})
    return outcome


def _certain(run: Run, call: ToolCall) -> Generator[Any, Any, CallOutcome]:
    """The outcome, as often as it is uncertain once a human has said what became of it; uncertain where they cannot."""
    number = 0
    while True:
        outcome = yield from tried(run, "call_tool", call)
        if outcome.error is None or not outcome.begun:  # which releases before 0.3.0 have not recorded
            return outcome
        decision, event = yield from _looked(run, call, outcome.error, number)
        if decision == "fail":
            return outcome
        told = event if decision == "carried_out" else None
        call = call.model_copy(update={"settled": Settled(begun=outcome.begun, event=told)})
        number += 1


def _looked(run: Run, call: ToolCall, problem: Problem, number: int) -> Generator[Any, Any, tuple[str, str]]:
    """What a human found when they looked at the other side, and the event with their words."""
    question = Ask(
        **run.about(f"{call.key}?{number}", call.step, call.trace),
        kind=Kind.UNCERTAIN,
        workflow=run.workflow_name,
        ask=f"{problem.message} Look at the other side: if it was carried out, say in `comment` what it gave.",
        roles=Question().roles,
        otherwise="fail",
        data={"tool": call.tool},
        time=run.now,
    )
    key, arrival = yield from settled(run, question, Question())
    return decision_in(arrival.value or {}), decided_id(key)
