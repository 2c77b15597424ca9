"""One turn of an agent as orchestrators make it: model calls, and between them the tools that it asks for.

Deterministic.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain.calls import CallOutcome, ModelCall, following_key
from domain.errors import Code
from domain.prompt_shapes import Repair
from domain.toolcalls import Round
from domain.usage import Usage
from orchestrators.run import Run
from orchestrators.tool_use import use_tools
from orchestrators.trying import tried

UNUSABLE = (Code.MODEL_BAD_ANSWER, Code.MODEL_CUT_OFF)
"""What an answer can be wrong with: the model is up, and may say something better another time."""


def call_model(run: Run, call: ModelCall) -> Generator[Any, Any, CallOutcome]:
    """The outcome of one turn. An answer that cannot be used is asked for anew as often as humans had the step tried
    again: those that were rejected in earlier attempts are found, and not paid for again.
    """
    usage = Usage()
    for _ in range(run.retries(call.step) + 1):
        outcome, call = yield from _turn(run, call)
        usage += outcome.usage
        if outcome.error is None or outcome.error.code not in UNUSABLE:
            break
        call = call.model_copy(update={"key": following_key(following_key(call.key))})
    return outcome.model_copy(update={"usage": usage})


def _turn(run: Run, call: ModelCall) -> Generator[Any, Any, tuple[CallOutcome, ModelCall]]:
    """The first outcome that asks for no tools, and the call that it is of; what was asked for has been called."""
    # A turn that is gone on with has called some already: no two of its calls have one number.
    usage, done = Usage(), sum(len(one.results) for one in call.rounds)
    while True:
        outcome, last = yield from _fitting(run, call)
        usage += outcome.usage
        if not outcome.asks or outcome.event is None:
            return outcome.model_copy(update={"usage": usage}), call
        results, spent = yield from use_tools(run, call, outcome.event, outcome.asks, done, call_model)
        usage, done = usage + spent, done + len(results)
        rounds = (*call.rounds, Round(event=outcome.event, results=results))
        # Once the stronger model of a cascade was asked, it goes on.
        stronger = {"escalated": True} if last.escalated else {}
        call = call.model_copy(update={"key": following_key(last.key), "rounds": rounds, **stronger})


def _fitting(run: Run, call: ModelCall) -> Generator[Any, Any, tuple[CallOutcome, ModelCall]]:
    """The outcome and the call it is of; an answer that does not fit its schema is sent back once, with what is wrong
    with it, and the cheap answer of a cascade that is not accepted is followed by the stronger model's.
    """
    outcome = yield from tried(run, "call_model", call)
    if outcome.error is not None and outcome.error.code is Code.MODEL_NOT_ACCEPTED and not call.escalated:
        stronger, last = yield from _fitting(run, escalated(call))
        return stronger.model_copy(update={"usage": outcome.usage + stronger.usage}), last
    error = outcome.error
    if error is None or error.code is not Code.MODEL_BAD_ANSWER or outcome.rejected is None:
        return outcome, call
    again = call.model_copy(
        update={
            "key": following_key(call.key),
            "repair": Repair(rejected=outcome.rejected, complaint=error.message),
            "data": {**call.data, "repairs": call.key},
        }
    )
    repaired = yield from tried(run, "call_model", again)
    return repaired.model_copy(update={"usage": outcome.usage + repaired.usage}), again


def escalated(call: ModelCall) -> ModelCall:
    """The same question to the stronger model of a cascade: a call of its own, as the cheap answer is paid for."""
    data = {**call.data, "escalates": call.key}
    return call.model_copy(update={"key": f"{call.key}.1", "escalated": True, "data": data})
