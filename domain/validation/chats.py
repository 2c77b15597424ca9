"""What is looked at in a group chat: who is there, who chooses, and that it comes to an end."""

from __future__ import annotations

from collections.abc import Iterator

from domain.base import split_reference
from domain.chat_rules import (
    AgentSpeaker,
    Agreed,
    AllOf,
    AnyOf,
    ExpressionSpeaker,
    GroupChat,
    Holds,
    Human,
    Judged,
    Says,
    Stop,
)
from domain.chats import participant_named
from domain.validation.bounds import is_bounded, turn_limit
from domain.validation.checker import Checker
from domain.validation.findings import Parts
from domain.validation.places import IN_CHAT, Here
from domain.wording import did_you_mean, shown


def check_chat(checker: Checker, chat: GroupChat, at: Parts, here: Here) -> None:
    _participants(checker, chat, (*at, "participants"))
    _speaker(checker, chat, (*at, "speaker"), here)
    checker.template(chat.task, (*at, "task"), here)
    for parts, stop in _stops(chat.until, (*at, "until")):
        _stop(checker, chat, stop, parts, here)
    _bounds(checker, chat, at)
    checker.view(chat.view, (*at, "view"), turn_limit(chat))
    for name, view in chat.views.items():
        _named(checker, chat, name, (*at, "views", name))
        checker.view(view, (*at, "views", name), turn_limit(chat))


def _participants(checker: Checker, chat: GroupChat, at: Parts) -> None:
    for index, participant in enumerate(chat.participants):
        name = chat.names[index]
        place = (*at, index, "human") if isinstance(participant, Human) else (*at, index)
        if not isinstance(participant, Human):
            checker.agent(participant, place)
        if name in chat.names[:index]:
            checker.notes.error(place, f"`{name}` is already a participant")


def _named(checker: Checker, chat: GroupChat, name: str, at: Parts) -> None:
    """A participant may be called without its version."""
    known = {*chat.names, *(split_reference(one)[0] for one in chat.names)}
    if name not in known:
        checker.notes.error(at, f"`{shown(name)}` is no participant{did_you_mean(name, known)}")


def _speaker(checker: Checker, chat: GroupChat, at: Parts, here: Here) -> None:
    match chat.speaker:
        case AgentSpeaker():
            checker.agent(chat.speaker.agent, (*at, "agent"))
        case ExpressionSpeaker():
            place = (*at, "expression")
            found = checker.expression(chat.speaker.expression, place, here.naming(IN_CHAT))
            if found is not None and participant_named(chat, found.value) is None:
                meant = did_you_mean(found.value, chat.names) if isinstance(found.value, str) else ""
                checker.notes.error(place, f"this never names a participant{meant}")
        case _:
            pass


def _stops(stop: Stop, at: Parts) -> Iterator[tuple[Parts, Stop]]:
    """Each condition and where it stands, those inside `any` and `all` in place of these."""
    match stop:
        case AnyOf():
            for index, inner in enumerate(stop.any):
                yield from _stops(inner, (*at, "any", index))
        case AllOf():
            for index, inner in enumerate(stop.all):
                yield from _stops(inner, (*at, "all", index))
        case _:
            yield at, stop


def _stop(checker: Checker, chat: GroupChat, stop: Stop, at: Parts, here: Here) -> None:
    match stop:
        case Holds():
            checker.condition(stop.holds, (*at, "holds"), here.naming(IN_CHAT))
        case Judged():
            checker.agent(stop.judged.agent, (*at, "judged", "agent"))
            limit = turn_limit(chat)
            if limit is not None and stop.judged.every > limit:
                checker.notes.warning((*at, "judged", "every"), f"it is never asked: the chat ends after {limit} turns")
        case Agreed() if not isinstance(chat.speaker, AgentSpeaker):
            checker.notes.error((*at, "agreed"), "only a chair can find that they agree; add `speaker: {agent: …}`")
        case Says() if not stop.says.strip():
            checker.notes.error((*at, "says"), "every turn contains blanks; write the words to look for")
        case _:
            pass


def _bounds(checker: Checker, chat: GroupChat, at: Parts) -> None:
    limit = turn_limit(chat)
    if not is_bounded(chat):
        inner = "any" if isinstance(chat.until, AnyOf) else "all"
        because = "" if inner == "any" else ": of `all` conditions the last one counts"
        message = f"nothing bounds this chat{because}; add `turns`, for example `{{any: [{{turns: 24}}, …]}}`"
        checker.notes.error((*at, "until", inner), message)
    elif limit is not None and chat.min_turns is not None and chat.min_turns > limit:
        checker.notes.error((*at, "min_turns"), f"the chat ends after {limit} turns, so no other condition would count")
