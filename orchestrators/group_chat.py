"""The group chat pattern: participants talk in turns until a condition is met. Deterministic.

The chat is a sub-orchestration of its own that continues as new every few turns, carrying a window of references: a
turn costs the same however long the chat has become. The shared transcript is kept by the `chat` entity, which is
signalled and never waited for; the words themselves are in the execution's log.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext

from domain import values
from domain.chat_stops import completing, evidence
from domain.errors import Code, Problem, ProblemError
from domain.events import EventType
from domain.executions import StopReason
from domain.steps import GroupChatStep
from domain.values import Json, Value
from domain.workflows import sources_in
from orchestrators.chats.ending import met
from orchestrators.chats.speakers import Choice, choose
from orchestrators.chats.summing import sum_up
from orchestrators.chats.talk import Talk
from orchestrators.chats.turns import speak
from orchestrators.run import Run, dumped
from orchestrators.scope import Outcome, Scope

CHAT_ORCHESTRATOR = "group_chat"
TURNS_PER_GENERATION = 25
ACTIONS_PER_GENERATION = 60
"""Turns of many calls make a generation shorter. One more turn begins below this number, so that a history stays below
about a hundred actions."""


def run_group_chat(
    run: Run, step: GroupChatStep, path: str, scope: Scope, _run_step: Any
) -> Generator[Any, Any, Outcome]:
    """What the parent does: hand the chat to an orchestrator of its own and wait for its outcome."""
    payload = {
        "step": dumped(step),
        "path": path,
        **scope.for_child(sources_in(step)),
        "begun": run.now.isoformat(),
        "state": {},
    }
    answer = yield from run.child(CHAT_ORCHESTRATOR, path, payload)
    return Outcome.failed(answer) if isinstance(answer, Problem) else Outcome.model_validate(answer)


def group_chat(context: DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """The chat's own orchestrator: some turns, then it continues as new with the same state."""
    payload = context.get_input()
    run = Run.of_child(context, payload)
    talk = Talk(run, payload)
    ended: Outcome | None = yield from run.loom.run(_go_on(talk))
    if ended is not None:
        return run.returned(dumped(ended))
    events = [dumped(event) for event in run.take_events()]
    context.continue_as_new({**payload, "events": events, "state": dumped(talk.state), **run.known()})
    return None


def _go_on(talk: Talk) -> Generator[Any, Any, Outcome | None]:
    """The chat's outcome, or None when it should go on in another generation."""
    for _ in range(TURNS_PER_GENERATION):
        try:
            ended = yield from _turn(talk)
        except ProblemError as error:
            return _failed(talk, error.problem)
        if ended is not None:
            return ended
        if _is_long(talk):
            break
    return None


def _is_long(talk: Talk) -> bool:
    # Chats of release 0.1.0 had as many turns in a generation whatever these took: they are replayed as they went.
    return talk.begun is not None and talk.run.actions + talk.signals >= ACTIONS_PER_GENERATION


def _turn(talk: Talk) -> Generator[Any, Any, Outcome | None]:
    """Choose who speaks, let it speak, and see whether that ends the chat; None when it goes on."""
    path = talk.at(talk.state.turns + 1)
    choice = yield from choose(talk, path)
    if choice.agreed and (found := (yield from met(talk, agreed=f"{choice.by}: {choice.reason}"))):
        return _ended(talk, completing(found), evidence(found))
    _note_choice(talk, path, choice)
    yield from speak(talk, path, choice.speaker)
    if found := (yield from met(talk)):
        return _ended(talk, completing(found), evidence(found))
    yield from sum_up(talk)
    return None


def _note_choice(talk: Talk, path: str, choice: Choice) -> None:
    turn = talk.state.turns + 1
    talk.run.emit(EventType.SPEAKER_CHOSEN, path, agent=choice.speaker, turn=turn, by=choice.by, reason=choice.reason)


def _ended(talk: Talk, reason: StopReason, shown: str) -> Outcome:
    """The chat's output is what was said last; its reason to stop is kept beside it."""
    _note_end(talk, reason, shown)
    return Outcome(value=_last_words(talk), stop_reason=reason, evidence=shown, preview=shown)


def _failed(talk: Talk, problem: Problem) -> Outcome:
    reason = StopReason.CANCELED if problem.code is Code.CANCELED else StopReason.FAILED
    _note_end(talk, reason, problem.message)
    failed = Outcome.failed(problem)
    return failed.model_copy(update={"stop_reason": reason, "evidence": problem.message})


def _last_words(talk: Talk) -> Value:
    """Null when nobody has said anything."""
    answer = talk.state.answer
    return values.inline(None) if answer is None else talk.words_of(answer)


def _note_end(talk: Talk, reason: StopReason, shown: str) -> None:
    talk.run.emit(EventType.CHAT_ENDED, talk.path, turns=talk.state.turns, stop_reason=reason, evidence=shown)
