"""Who speaks next: in turn, by chance, as an expression says, or as a chair chooses. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from domain import chats, values
from domain.chat_prompts import chair_schema
from domain.chat_rules import AgentSpeaker, ExpressionSpeaker, RandomSpeaker
from domain.chat_stops import may_agree
from domain.errors import Code, ProblemError
from domain.prompt_shapes import ChairPrompt
from orchestrators.calling import UNUSABLE
from orchestrators.chats.talk import Talk, never_large


@dataclass(frozen=True)
class Choice:
    """Who is to speak, who or what chose them, and why. `agreed`: the chair has found that they all agree."""

    speaker: str
    by: str
    reason: str
    agreed: bool = False


def choose(talk: Talk, path: str) -> Generator[Any, Any, Choice]:
    """For the turn at the path. Raises `ProblemError` when the chair cannot be asked at all."""
    match talk.rules.speaker:
        case AgentSpeaker() as speaker:
            return (yield from _by_chair(talk, f"{path}/chair", speaker.agent))
        case ExpressionSpeaker() as speaker:
            return (yield from _by_expression(talk, path, speaker.expression))
        case RandomSpeaker() as speaker:
            seed = speaker.random.seed
            chosen = chats.by_chance(talk.rules, talk.state, talk.path, seed)
            return Choice(chosen, "random", f"by chance, with the seed {seed}")
        case _:
            return Choice(chats.next_in_turn(talk.rules, talk.state), "round_robin", "next in turn")


def _by_chair(talk: Talk, path: str, chair: str) -> Generator[Any, Any, Choice]:
    among = chats.choices(talk.rules, talk.state)
    agree = may_agree(talk.rules, talk.moment())
    prompt = ChairPrompt(kind="chair", choices=among, may_agree=agree, **talk.shown())
    data = {"turn": talk.state.turns + 1, "role": "chair"}
    call = talk.call(path, chair, prompt, data=data, output_schema=chair_schema(among, agree))
    outcome = yield from talk.answer(call)
    if outcome.error is not None:
        if outcome.error.code not in UNUSABLE:
            raise ProblemError(outcome.error)
        return _fallback(talk, f"{chair} named nobody usable: {outcome.error.message}")
    choice = values.resolve(outcome.value or {}, never_large)
    return Choice(choice["next"], chair, choice["reason"], choice.get("agreed", False))


def _by_expression(talk: Talk, path: str, expression: str) -> Generator[Any, Any, Choice]:
    try:
        value = yield from talk.run.evaluate(expression, talk.expressions(), path)
    except ProblemError as error:
        if error.problem.code is not Code.EXPRESSION_FAILED:
            raise
        return _fallback(talk, error.problem.message)
    chosen = chats.participant_named(talk.rules, value.get("v"))
    if chosen is None:
        return _fallback(talk, f"`{expression}` gives {_shown(value)}, which is no participant's name")
    return Choice(chosen, "expression", f"`{expression}`")


def _fallback(talk: Talk, why: str) -> Choice:
    return Choice(chats.next_in_turn(talk.rules, talk.state), "fallback", why)


def _shown(value: values.Value) -> str:
    return repr(value["v"])[:100] if "v" in value else "something large"
