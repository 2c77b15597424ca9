"""One turn: an agent, or a human, says something. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from azure.durable_functions import EntityId

from domain import chats, values
from domain.approvals import Kind
from domain.calls import Ask, completed_id, decided_id
from domain.chat_prompts import PASSES
from domain.chat_rules import Human
from domain.chat_stops import watched
from domain.errors import ProblemError, nobody_answered
from domain.hearing import Heard, Listening
from domain.prompt_shapes import ChatPrompt
from domain.values import Value
from orchestrators.asking import decision_in, settled
from orchestrators.chats.talk import Talk


def speak(talk: Talk, path: str, speaker: str) -> Generator[Any, Any, None]:
    """Let the speaker have its turn, and tell the entity what it said. Raises `ProblemError` when it cannot speak."""
    human = talk.rules.human(speaker)
    prompt = ChatPrompt(kind="chat", speaker=speaker, **talk.shown(speaker))
    work = _agent(talk, path, prompt) if human is None else _human(talk, path, prompt, human)
    event, heard, words = yield from work
    talk.said(speaker, event, heard, words)
    entity = EntityId(chats.ENTITY, chats.entity_key(talk.run.execution, talk.path))
    text = heard.preview or (PASSES if human else "")
    entry = {"turn": talk.state.turns, "speaker": speaker, "event": event, "text": text}
    talk.run.context.signal_entity(entity, "append", entry)
    talk.signals += 1


def _agent(talk: Talk, path: str, prompt: ChatPrompt) -> Generator[Any, Any, tuple[str, Heard, Value]]:
    call = talk.call(path, prompt.speaker, prompt, data={"turn": prompt.turn}, **_listening(talk))
    outcome = yield from talk.answer(call)
    if outcome.error is not None:
        raise ProblemError(outcome.error)
    return outcome.event or completed_id(call.key), outcome, outcome.value or values.inline(None)


def _human(talk: Talk, path: str, prompt: ChatPrompt, human: Human) -> Generator[Any, Any, tuple[str, Heard, Value]]:
    question = Ask(
        **talk.run.about(f"{path}?0", path, talk.scope.rules.trace),
        **_listening(talk),
        kind=Kind.TURN,
        workflow=talk.run.workflow_name,
        ask=f"It is your turn to speak, {human.human}: say something, or pass.",
        chat=prompt,
        roles=human.roles,
        otherwise=human.otherwise,
        data={"turn": prompt.turn, "speaker": human.human},
        time=talk.run.now,
    )
    key, arrival = yield from settled(talk.run, question, human)
    answer = arrival.value or values.inline(None)
    decision = decision_in(answer)
    if decision == "fail":
        raise ProblemError(nobody_answered(f"{human.human} said nothing at `{path}` within {human.deadline}."))
    words = values.at(answer, "comment") if arrival.preview else values.inline("")
    return decided_id(key), arrival, words


def _listening(talk: Talk) -> dict[str, Any]:
    listening = Listening(watch=watched(talk.rules), names=talk.rules.addressees(), compare=chats.compares(talk.rules))
    return dict(listening)
