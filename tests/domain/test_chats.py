"""Who speaks, what is seen, when a chat ends."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.calls import Said
from domain.chat_rules import GroupChat
from domain.chats import (
    ChatState,
    chair_may_agree,
    chair_schema,
    choices,
    may_end_early,
    next_in_turn,
    stop_after_turn,
    watched,
)
from domain.executions import StopReason

NAMES = ["ann", "bob", "cat"]


def chat(*stops: dict[str, Any], **fields: Any) -> GroupChat:
    until = {"any": list(stops) or [{"turns": 9}]}
    return GroupChat.model_validate({"participants": NAMES, "task": "t", "until": until, **fields})


def spoken(*speakers: str, view: int = 3) -> ChatState:
    state = ChatState()
    for turn, speaker in enumerate(speakers, start=1):
        state = state.after(Said(turn=turn, speaker=speaker, event=f"e{turn}"), view)
    return state


def test_round_robin_goes_round_in_the_order_written() -> None:
    state, order = ChatState(), []
    for turn in range(1, 6):
        order.append(next_in_turn(chat(), state))
        state = state.after(Said(turn=turn, speaker=order[-1], event="e"), 3)
    assert order == ["ann", "bob", "cat", "ann", "bob"]


def test_a_chair_may_choose_anyone_but_the_last_speaker() -> None:
    assert choices(chat(), ChatState()) == ("ann", "bob", "cat")
    assert choices(chat(), spoken("bob")) == ("ann", "cat")


@given(st.lists(st.sampled_from(NAMES), max_size=60), st.integers(1, 20))
def test_the_window_is_the_latest_turns_and_never_longer_than_the_view(speakers: list[str], view: int) -> None:
    state = spoken(*speakers, view=view)
    assert state.turns == len(speakers)
    assert [said.turn for said in state.window] == list(range(1, len(speakers) + 1))[-view:]


def test_words_end_a_chat_only_after_everyone_spoke() -> None:
    rules = chat({"says": "AGREED"}, {"turns": 9})
    assert watched(rules) == ("AGREED",)
    assert stop_after_turn(rules, spoken("ann", "bob"), ("AGREED",)) is None
    stop = stop_after_turn(rules, spoken("ann", "bob", "cat"), ("AGREED",))
    assert stop is not None
    assert stop.reason is StopReason.SAID
    assert "cat" in stop.evidence
    assert "turn 3" in stop.evidence


def test_min_turns_replaces_the_default_patience() -> None:
    assert not may_end_early(chat(), spoken("ann", "bob"))
    assert may_end_early(chat(min_turns=2), spoken("ann", "bob"))
    assert may_end_early(chat(min_turns=0), ChatState())


def test_the_smallest_number_of_turns_is_the_bound() -> None:
    rules = chat({"turns": 4}, {"turns": 2})
    assert stop_after_turn(rules, spoken("ann"), ()) is None
    stop = stop_after_turn(rules, spoken("ann", "bob"), ())
    assert stop is not None
    assert stop.reason is StopReason.TURNS


def test_a_chair_is_asked_about_agreement_only_where_that_ends_the_chat() -> None:
    everyone = spoken("ann", "bob", "cat")
    assert chair_may_agree(chat({"agreed": True}, {"turns": 9}), everyone)
    assert not chair_may_agree(chat({"agreed": True}, {"turns": 9}), spoken("ann"))
    assert not chair_may_agree(chat({"turns": 9}), everyone)


def test_a_chair_can_only_name_somebody_who_may_speak() -> None:
    schema = chair_schema(("ann", "cat"), may_agree=True)
    assert schema["properties"]["next"]["enum"] == ["ann", "cat"]
    assert schema["required"] == ["next", "reason", "agreed"]
    assert "agreed" not in chair_schema(("ann",), may_agree=False)["properties"]
