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
    usage, done = Usage(), 0
    while True:
        outcome, key = yield from _fitting(run, call)
        usage += outcome.usage
        if not outcome.asks or outcome.event is None:
            return outcome.model_copy(update={"usage": usage}), call
        results, spent = yield from use_tools(run, call, outcome.event, outcome.asks, done, call_model)
        usage, done = usage + spent, done + len(results)
        rounds = (*call.rounds, Round(event=outcome.event, results=results))
        call = call.model_copy(update={"key": following_key(key), "rounds": rounds})


def _fitting(run: Run, call: ModelCall) -> Generator[Any, Any, tuple[CallOutcome, str]]:
    """The outcome and its key; an answer that does not fit its schema is sent back once, with what is wrong with it."""
    outcome = yield from tried(run, "call_model", call)
    error = outcome.error
    if error is None or error.code is not Code.MODEL_BAD_ANSWER or outcome.rejected is None:
        return outcome, call.key
    again = call.model_copy(
        update={
            "key": following_key(call.key),
            "repair": Repair(rejected=outcome.rejected, complaint=error.message),
            "data": {**call.data, "repairs": call.key},
        }
    )
    repaired = yield from tried(run, "call_model", again)
    return repaired.model_copy(update={"usage": outcome.usage + repaired.usage}), again.key
