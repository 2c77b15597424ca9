"""When a chat ends: its conditions, alone and combined, judged by what is known after a turn.

Most are known at once. Those that an expression or a judge decides are asked for one at a time, and only when the
others leave the end to them: `verdict` says which one is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from domain.caps import used_up
from domain.chat_rules import (
    Agreed,
    AllOf,
    AnyOf,
    Elapsed,
    GroupChat,
    Holds,
    Judged,
    NoProgress,
    Says,
    Spent,
    Stop,
    Turns,
    stops_in,
)
from domain.chats import ChatState
from domain.executions import StopReason

ALWAYS = (Turns, Spent, Elapsed)
"""The conditions that count from the first turn on."""
_BOUNDS = (StopReason.TURNS, StopReason.BUDGET, StopReason.TIME)


@dataclass(frozen=True)
class Reason:
    """A condition that holds: why a chat ends, and the words or numbers that show it.

    `is_new`: whether it did not hold after the turn before; None where nobody had asked.
    """

    reason: StopReason
    evidence: str
    is_new: bool | None = None


@dataclass(frozen=True)
class Wanted:
    """What has to be asked before more can be said: the condition at that place among all of the chat."""

    place: int
    stop: Holds | Judged


@dataclass(frozen=True)
class Moment:
    """What is known after a turn. `agreed`: what the chair said when it found that they agree.

    `answers`: what was asked for, by place; None when the condition does not hold.
    """

    state: ChatState
    elapsed: timedelta
    agreed: str | None = None
    answers: Mapping[int, Reason | None] = field(default_factory=dict)


Met = tuple[Reason, ...]
"""The conditions that together end the chat."""
Verdict = Met | Wanted | None


def watched(chat: GroupChat) -> tuple[str, ...]:
    """Texts whose appearance in a turn is a condition."""
    return tuple(dict.fromkeys(stop.says for stop in stops_in(chat.until) if isinstance(stop, Says)))


def counts_spending(chat: GroupChat) -> bool:
    return any(isinstance(stop, Spent) for stop in stops_in(chat.until))


def may_end_early(chat: GroupChat, state: ChatState) -> bool:
    """Whether conditions other than the bounds count yet."""
    return state.turns >= (len(chat.participants) if chat.min_turns is None else chat.min_turns)


def verdict(chat: GroupChat, moment: Moment) -> Verdict:
    """The conditions that end the chat; the one to ask for next; or None: it goes on."""
    return _judged(chat.until, chat, moment, count())


def may_agree(chat: GroupChat, moment: Moment) -> bool:
    """Whether the chat might end if the chair found that they agree: only then is it asked."""
    chair = any(isinstance(stop, Agreed) for stop in stops_in(chat.until))
    asked = Moment(moment.state, moment.elapsed, agreed="", answers=moment.answers)
    return chair and verdict(chat, asked) is not None


def held(chat: GroupChat, moment: Moment) -> tuple[int, ...]:
    """Places of the conditions that are known to hold, to be remembered until the next turn."""
    leaves = enumerate(stops_in(chat.until))
    return tuple(place for place, stop in leaves if isinstance(_leaf(place, stop, chat, moment), tuple))


def completing(met: Met) -> StopReason:
    """The reason of several: that of the condition which came last to hold, and rather of one than of a bound."""
    new = [one for one in met if one.is_new]
    telling = [one for one in new if one.reason not in _BOUNDS]
    asked = [one for one in met if one.is_new is None]
    return (telling or new or asked or list(met))[0].reason


def evidence(met: Met) -> str:
    return " ".join(one.evidence for one in met)


def _judged(stop: Stop, chat: GroupChat, moment: Moment, places: Iterator[int]) -> Verdict:
    match stop:
        case AnyOf():
            return _any([_judged(inner, chat, moment, places) for inner in stop.any])
        case AllOf():
            return _all([_judged(inner, chat, moment, places) for inner in stop.all])
        case _:
            return _leaf(next(places), stop, chat, moment)


def _any(found: Sequence[Verdict]) -> Verdict:
    met = [reason for one in found if isinstance(one, tuple) for reason in one]
    return tuple(met) if met else _cheapest(found)


def _all(found: Sequence[Verdict]) -> Verdict:
    if None in found:
        return None
    return _cheapest(found) or tuple(reason for one in found if isinstance(one, tuple) for reason in one)


def _cheapest(found: Sequence[Verdict]) -> Wanted | None:
    """An expression costs less than a judge."""
    wanted = [one for one in found if isinstance(one, Wanted)]
    return next((one for one in wanted if isinstance(one.stop, Holds)), wanted[0] if wanted else None)


def _leaf(place: int, stop: Any, chat: GroupChat, moment: Moment) -> Verdict:
    if not isinstance(stop, ALWAYS) and not may_end_early(chat, moment.state):
        return None
    if isinstance(stop, Holds | Judged):
        if isinstance(stop, Judged) and moment.state.turns % stop.judged.every:
            return None
        if place not in moment.answers:
            return Wanted(place, stop)
        answer = moment.answers[place]
        return None if answer is None else (answer,)
    found = _known(stop, moment)
    return None if found is None else (Reason(*found, is_new=place not in moment.state.held),)


def _known(stop: Any, moment: Moment) -> tuple[StopReason, str] | None:
    state = moment.state
    found: tuple[StopReason, str] | None = None
    match stop:
        case Turns() if state.turns >= stop.turns:
            more = "" if state.turns == stop.turns else f", and {state.turns - stop.turns} more"
            found = StopReason.TURNS, f"All {stop.turns} turns are up{more}."
        case Says() if stop.says in state.said:
            found = StopReason.SAID, f"{state.last_speaker} said {stop.says!r} in turn {state.turns}."
        case Agreed() if moment.agreed is not None:
            found = StopReason.AGREED, moment.agreed
        case NoProgress() if len(state.stale) >= stop.no_progress:
            found = StopReason.NO_PROGRESS, _standstill(state, stop.no_progress)
        case Spent():
            found = _spent(stop, state)
        case Elapsed() if moment.elapsed >= stop.time:
            found = StopReason.TIME, f"The chat has gone on for {moment.elapsed}, of at most {stop.time}."
    return found


def _standstill(state: ChatState, number: int) -> str:
    stale = state.stale[-number:]
    told = [f"turn {turn} repeats turn {before}" if before else f"turn {turn} has no words" for turn, before in stale]
    return f"{number} turns in a row say nothing new: {', '.join(told)}."


def _spent(stop: Spent, state: ChatState) -> tuple[StopReason, str] | None:
    if stop.budget.cost_usd is not None and state.spent.cost_usd is None:
        unknown = "The chat may spend so many dollars, and the price of a model is not known"
        return StopReason.BUDGET, f"{unknown}: add it to MODEL_PRICES, or count tokens or model calls."
    what = used_up(stop.budget, state.spent)
    return (StopReason.BUDGET, f"The chat has used {what}.") if what else None
