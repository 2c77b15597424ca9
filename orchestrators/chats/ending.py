"""Whether a chat ends: asks what its conditions leave open, an expression or a judge. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from domain import values
from domain.chat_prompts import judge_schema
from domain.chat_rules import Holds, Judged, Verdict, stops_in
from domain.chat_stops import Met, Reason, Wanted, held, verdict
from domain.errors import ProblemError
from domain.events import EventType
from domain.executions import StopReason
from domain.prompt_shapes import JudgePrompt
from orchestrators.calling import UNUSABLE
from orchestrators.chats.talk import Talk, never_large


def met(talk: Talk, agreed: str | None = None) -> Generator[Any, Any, Met | None]:
    """The conditions that end the chat after the turn just taken; None when it goes on.

    `agreed`: what the chair said when it found that they agree. Raises `ProblemError`.
    """
    moment = talk.moment(agreed)
    while isinstance(found := verdict(talk.rules, moment), Wanted):
        answer = yield from _asked(talk, found)
        moment = replace(moment, answers={**moment.answers, found.place: answer})
    if found is None and agreed is None:
        talk.state = talk.state.model_copy(update={"held": held(talk.rules, moment)})
    return found


def _asked(talk: Talk, wanted: Wanted) -> Generator[Any, Any, Reason | None]:
    path = talk.at(talk.state.turns)
    if not isinstance(wanted.stop, Holds):
        return (yield from _judged(talk, f"{path}/{_judge(talk, wanted)}", wanted.stop.judged))
    condition = wanted.stop.holds
    if not (yield from talk.run.condition(condition, talk.expressions(), path)):
        return None
    return Reason(StopReason.CONDITION, f"`{condition}` is true after turn {talk.state.turns}.")


def _judge(talk: Talk, wanted: Wanted) -> str:
    """The end of a judge's path: of several in one chat, each has its own."""
    judges = [place for place, stop in enumerate(stops_in(talk.rules.until)) if isinstance(stop, Judged)]
    return "judge" if len(judges) == 1 else f"judge[{judges.index(wanted.place)}]"


def _judged(talk: Talk, path: str, asked: Verdict) -> Generator[Any, Any, Reason | None]:
    """The judge's yes. An answer that cannot be used counts as a no; what it said is told either way."""
    turn = talk.state.turns
    prompt = JudgePrompt(kind="judge", question=asked.question, **talk.shown())
    data = {"turn": turn, "role": "judge"}
    call = talk.call(path, asked.agent, prompt, data=data, output_schema=judge_schema())
    outcome = yield from talk.answer(call)
    if outcome.error is not None and outcome.error.code not in UNUSABLE:
        raise ProblemError(outcome.error)
    if outcome.error is None:
        said = values.resolve(outcome.value or {}, never_large)
        settled, reason = said["settled"], said["reason"]
    else:
        settled, reason = False, f"no usable answer, which counts as a no: {outcome.error.message}"
    talk.run.emit(EventType.CHAT_JUDGED, path, agent=asked.agent, turn=turn, settled=settled, reason=reason)
    return Reason(StopReason.JUDGED, f"{asked.agent}: {reason}") if settled else None
