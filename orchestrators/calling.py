"""One turn of an agent as orchestrators make it: model calls, and between them the tools that it asks for.

Deterministic.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from domain.calls import CallOutcome, ModelCall, following_key
from domain.errors import Code, Problem, ProblemError
from domain.prompt_shapes import Repair
from domain.toolcalls import Round
from domain.usage import Usage
from domain.values import Json
from orchestrators.run import Run, dumped
from orchestrators.tool_use import use_tools
from orchestrators.tracing import as_turn
from orchestrators.trying import tried

UNUSABLE = (Code.MODEL_BAD_ANSWER, Code.MODEL_CUT_OFF)
"""What an answer can be wrong with: the model is up, and may say something better another time."""
TURN_ORCHESTRATOR = "agent_turn"
CALLS_PER_GENERATION = 40
"""Model calls that asked for tools, and these: then a turn goes on with a history of its own, which stays short."""


def call_model(run: Run, call: ModelCall) -> Generator[Any, Any, CallOutcome]:
    """The outcome of one turn. One that has become long goes on in an orchestrator of its own."""
    turn = yield from gone_on(run, call, run.retries(call.step) + 1)
    if turn.outcome is not None:
        return turn.outcome.model_copy(update={"usage": turn.usage})
    payload = {"call": dumped(turn.call), "attempts": turn.attempts}
    answer = yield from run.child(TURN_ORCHESTRATOR, call.step, payload)
    outcome = CallOutcome(error=answer) if isinstance(answer, Problem) else CallOutcome.model_validate(answer)
    return outcome.model_copy(update={"usage": turn.usage + outcome.usage})


def agent_turn(context: DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """The orchestrator of the rest of a long turn: some calls, then it continues as new with what they came to."""
    payload = context.get_input()
    run = Run.of_child(context, payload)
    call = ModelCall.model_validate(payload["call"])
    call = call.model_copy(update=run.about(call.key, call.step, call.trace))
    turn: Turn = yield from run.loom.run(_without_raising(gone_on(run, call, payload["attempts"]), call))
    usage = Usage.model_validate(payload.get("usage", {})) + turn.usage
    if turn.outcome is not None:
        return run.returned(dumped(turn.outcome.model_copy(update={"usage": usage})))
    events = [dumped(event) for event in run.take_events()]
    goes_on = {"call": dumped(turn.call), "attempts": turn.attempts, "usage": dumped(usage)}
    context.continue_as_new({**payload, "events": events, **goes_on, **run.known()})
    return None


@dataclass(frozen=True)
class Turn:
    """How far a turn has come, and what all its calls have used. No `outcome`: it has become long, and is to go on with
    `call`.
    """

    outcome: CallOutcome | None
    call: ModelCall
    usage: Usage = field(default_factory=Usage)
    attempts: int = 1


def gone_on(run: Run, call: ModelCall, attempts: int) -> Generator[Any, Any, Turn]:
    """Go on with a turn. An answer that cannot be used is asked for anew, `attempts` in all: once, and as often as
    humans had the step tried again. Those that were rejected in earlier attempts are found, and not paid for again.
    """
    usage = Usage()
    while True:
        turn = yield from _answered(run, call)
        usage += turn.usage
        error = turn.outcome.error if turn.outcome else None
        if turn.outcome is None or error is None or error.code not in UNUSABLE or attempts == 1:
            return Turn(turn.outcome, turn.call, usage, attempts)
        call = turn.call.model_copy(update={"key": following_key(following_key(turn.call.key))})
        call = as_turn(run, call, call.turn) if call.turn else call
        attempts -= 1


def _answered(run: Run, call: ModelCall) -> Generator[Any, Any, Turn]:
    """Until an answer asks for no tools; what was asked for has been called."""
    # A turn that is gone on with has called some already: no two of its calls have one number.
    usage, before = Usage(), sum(len(one.results) for one in call.rounds)
    done, calls = before, 0
    while True:
        outcome, last = yield from _fitting(run, call)
        usage += outcome.usage
        if not outcome.asks or outcome.event is None:
            return Turn(outcome, call, usage)
        results, spent = yield from use_tools(run, call, outcome.event, outcome.asks, done, call_model)
        usage, done, calls = usage + spent, done + len(results), calls + 1
        rounds = (*call.rounds, Round(event=outcome.event, results=results))
        # Once the stronger model of a cascade was asked, it goes on.
        stronger = {"escalated": True} if last.escalated else {}
        call = call.model_copy(update={"key": following_key(last.key), "rounds": rounds, **stronger})
        if calls + done - before >= CALLS_PER_GENERATION:
            return Turn(None, call, usage)


def _without_raising(work: Generator[Any, Any, Turn], call: ModelCall) -> Generator[Any, Any, Turn]:
    """What the turn ended with, where it ended the step."""
    try:
        return (yield from work)
    except ProblemError as error:
        return Turn(CallOutcome(error=error.problem), call)


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
