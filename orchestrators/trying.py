"""One call of a model or a tool: one durable action a try, durable waits between tries.

Deterministic: waits are durable timers, computed from the policy, the call's key and the context's clock.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any, TypeVar

from domain.calls import CallOutcome, ModelCall, Park, ToolCall
from domain.chance import chance
from domain.errors import Code, Problem
from orchestrators.asking import arrived
from orchestrators.run import Run
from orchestrators.turns import in_turn

C = TypeVar("C", ModelCall, ToolCall)


def tried(run: Run, activity: str, call: C) -> Generator[Any, Any, CallOutcome]:
    """The outcome after as many tries as the policy allows. A finished call is never made again: same key."""
    policy, failures = call.retry, 0
    while True:
        sent, answer = yield from in_turn(run, activity, call.model_copy(update={"failures": failures}))
        outcome = CallOutcome(error=answer) if isinstance(answer, Problem) else CallOutcome.model_validate(answer)
        run.heard(outcome)
        if outcome.held:
            yield from run.idle(sent.wake)
            continue
        error = outcome.error
        failures += 1
        if error is None or outcome.rejected or outcome.final:
            return outcome
        if failures >= policy.attempts or not policy.applies_to(error):
            return outcome
        if error.code is Code.MODEL_BAD_ANSWER:
            continue  # it is up and answering: waiting would not make the next answer better
        delay = policy.delay(failures, error.retry_after, chance(call.execution, call.key, failures))
        yield from _waited(run, sent, run.now + delay)


def _waited(run: Run, call: C, until: datetime) -> Generator[Any, Any, None]:
    """Wait for the time, whatever wakes the execution meanwhile. Raises `ProblemError` when the call is canceled."""
    wake = call.wake
    while not (yield from run.idle(wake, until)):
        sent, found = yield from run.insist("park", Park(**run.about(call.key, call.step, call.trace)))
        arrived(found)
        wake = sent.wake
