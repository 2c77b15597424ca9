"""The rules of a group chat that need neither a model nor a clock: who may speak, what is seen, when it ends."""

from __future__ import annotations

from typing import Any

from domain.base import Shape
from domain.calls import Said
from domain.chat_rules import Agreed, GroupChat, Holds, Says, Turns, stops_in
from domain.executions import StopReason

ENTITY = "chat"
"""Name of the durable entity that keeps the shared state of a chat."""
WINDOW = 50
"""Most turns the entity keeps; the log keeps them all."""


def entity_key(execution: str, path: str) -> str:
    return f"{execution}:{path}"


class ChatState(Shape):
    """What the chat carries from turn to turn, bounded however long it gets: `window` is the view's length."""

    turns: int = 0
    window: tuple[Said, ...] = ()

    @property
    def last_speaker(self) -> str | None:
        return self.window[-1].speaker if self.window else None

    def after(self, said: Said, view: int) -> ChatState:
        return ChatState(turns=self.turns + 1, window=(*self.window, said)[-view:])


class Stop(Shape):
    """Why a chat ended: the reason and the words or numbers that show it."""

    reason: StopReason
    evidence: str


def next_in_turn(chat: GroupChat, state: ChatState) -> str:
    """Round robin in the order written; also the fallback when a chair gives no usable choice."""
    if state.last_speaker not in chat.names:
        return chat.names[0]
    return chat.names[(chat.names.index(state.last_speaker) + 1) % len(chat.names)]


def choices(chat: GroupChat, state: ChatState) -> tuple[str, ...]:
    """Whom a chair may choose: nobody speaks twice in a row."""
    return tuple(name for name in chat.names if name != state.last_speaker)


def may_end_early(chat: GroupChat, state: ChatState) -> bool:
    """Whether conditions other than the number of turns count yet."""
    return state.turns >= (len(chat.participants) if chat.min_turns is None else chat.min_turns)


def chair_may_agree(chat: GroupChat, state: ChatState) -> bool:
    return may_end_early(chat, state) and any(isinstance(stop, Agreed) for stop in stops_in(chat.until))


def watched(chat: GroupChat) -> tuple[str, ...]:
    """Texts whose appearance in a turn ends the chat."""
    return tuple(stop.says for stop in stops_in(chat.until) if isinstance(stop, Says))


def conditions(chat: GroupChat) -> tuple[str, ...]:
    return tuple(stop.holds for stop in stops_in(chat.until) if isinstance(stop, Holds))


def stop_after_turn(chat: GroupChat, state: ChatState, said: tuple[str, ...]) -> Stop | None:
    """The reason to end after the turn just taken, if its text or the number of turns is one."""
    if said and may_end_early(chat, state):
        return Stop(reason=StopReason.SAID, evidence=f"{state.last_speaker} said {said[0]!r} in turn {state.turns}.")
    limits = [stop.turns for stop in stops_in(chat.until) if isinstance(stop, Turns)]
    if limits and state.turns >= min(limits):
        return Stop(reason=StopReason.TURNS, evidence=f"All {min(limits)} turns are up.")
    return None


def chair_schema(choices: tuple[str, ...], may_agree: bool) -> dict[str, Any]:
    """JSON Schema of a chair's answer: the only way to name a speaker is to name one that may speak."""
    properties: dict[str, Any] = {
        "next": {"type": "string", "enum": list(choices)},
        "reason": {"type": "string", "maxLength": 100},
    }
    if may_agree:
        properties["agreed"] = {"type": "boolean"}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
