"""One call of a model or a tool as orchestrators make it: one durable action a try, durable waits between tries.

Deterministic: waits are durable timers, computed from the policy, the call's key and the context's clock.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any, TypeVar

from domain.calls import CallOutcome, ModelCall, Park, ToolCall, following_key
from domain.chance import chance
from domain.errors import Code, Problem
from domain.prompt_shapes import Repair
from domain.usage import Usage
from orchestrators.asking import arrived
from orchestrators.run import Run

UNUSABLE = (Code.MODEL_BAD_ANSWER, Code.MODEL_CUT_OFF)
"""What an answer can be wrong with: the model is up, and may say something better another time."""
C = TypeVar("C", ModelCall, ToolCall)


def call_model(run: Run, call: ModelCall) -> Generator[Any, Any, CallOutcome]:
    """The call's outcome. An answer that cannot be used is asked for anew as often as humans had the step tried again:
    those that were rejected in earlier attempts are found, and not paid for again.
    """
    usage = Usage()
    for _ in range(run.retries(call.step) + 1):
        outcome = yield from _fitting(run, call)
        usage += outcome.usage
        if outcome.error is None or outcome.error.code not in UNUSABLE:
            break
        call = call.model_copy(update={"key": following_key(following_key(call.key))})
    return outcome.model_copy(update={"usage": usage})


def _fitting(run: Run, call: ModelCall) -> Generator[Any, Any, CallOutcome]:
    """The outcome; an answer that does not fit its schema is sent back once, with what is wrong with it."""
    outcome = yield from _tried(run, "call_model", call)
    error = outcome.error
    if error is None or error.code is not Code.MODEL_BAD_ANSWER or outcome.rejected is None:
        return outcome
    again = call.model_copy(
        update={
            "key": following_key(call.key),
            "repair": Repair(rejected=outcome.rejected, complaint=error.message),
            "data": {**call.data, "repairs": call.key},
        }
    )
    repaired = yield from _tried(run, "call_model", again)
    return repaired.model_copy(update={"usage": outcome.usage + repaired.usage})


def call_tool(run: Run, call: ToolCall) -> Generator[Any, Any, CallOutcome]:
    """The call's outcome. One that nobody knows to have been carried out is made anew only where a human had the step
    tried again, and so has looked.
    """
    for _ in range(run.retries(call.step) + 1):
        outcome = yield from _tried(run, "call_tool", call)
        if outcome.error is None or outcome.error.code is not Code.TOOL_UNCERTAIN:
            break
        call = call.model_copy(update={"key": following_key(call.key)})
    return outcome


def _tried(run: Run, activity: str, call: C) -> Generator[Any, Any, CallOutcome]:
    """The outcome after as many tries as the policy allows. A finished call is never made again: same key."""
    policy, failures = call.retry, 0
    while True:
        sent, answer = yield from run.act(activity, call.model_copy(update={"failures": failures}))
        outcome = CallOutcome(error=answer) if isinstance(answer, Problem) else CallOutcome.model_validate(answer)
        if outcome.held:
            yield from run.idle(sent.wake)
            continue
        error = outcome.error
        failures += 1
        if error is None or outcome.rejected or failures >= policy.attempts or not policy.applies_to(error):
            return outcome
        if error.code is Code.MODEL_BAD_ANSWER:
            continue  # it is up and answering: waiting would not make the next answer better
        delay = policy.delay(failures, error.retry_after, chance(call.execution, call.key, failures))
        yield from _waited(run, sent, run.now + delay)


def _waited(run: Run, call: C, until: datetime) -> Generator[Any, Any, None]:
    """Wait for the time, whatever wakes the execution meanwhile. Raises `ProblemError` when the call is canceled."""
    wake = call.wake
    while not (yield from run.idle(wake, until)):
        sent, found = yield from run.insist("park", Park(**run.about(call.key, call.step)))
        arrived(found)
        wake = sent.wake
