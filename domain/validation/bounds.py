"""Whether a group chat comes to an end, and after how many turns."""

from __future__ import annotations

from domain.chat_rules import AllOf, AnyOf, Elapsed, GroupChat, Human, Spent, Stop, Turns


def turn_limit(chat: GroupChat) -> int | None:
    """The turns after which the chat ends whatever is said, or None when nothing bounds their number."""
    return _bound(chat, chat.until)


def is_bounded(chat: GroupChat) -> bool:
    """Whether the chat ends for certain: by its turns, by what it spends, or by the time it takes."""
    return _is_bounded(chat, chat.until)


def _bound(chat: GroupChat, stop: Stop) -> int | None:
    match stop:
        case Turns():
            return stop.turns
        case Spent() if stop.budget.model_calls is not None and not _has_human(chat):
            return stop.budget.model_calls
        case AnyOf():
            return min((bound for inner in stop.any if (bound := _bound(chat, inner)) is not None), default=None)
        case AllOf():
            bounds = [_bound(chat, inner) for inner in stop.all]
            return None if None in bounds else max(bound or 0 for bound in bounds)
        case _:
            return None


def _is_bounded(chat: GroupChat, stop: Stop) -> bool:
    match stop:
        case Turns() | Elapsed():
            return True
        case Spent():
            # Dollars bound nothing when a price is not known.
            counted = stop.budget.model_calls is not None or stop.budget.tokens is not None
            return counted and not _has_human(chat)
        case AnyOf():
            return any(_is_bounded(chat, inner) for inner in stop.any)
        case AllOf():
            return all(_is_bounded(chat, inner) for inner in stop.all)
        case _:
            return False


def _has_human(chat: GroupChat) -> bool:
    return any(isinstance(participant, Human) for participant in chat.participants)
