"""What those in a chat are told: the words they see, and what they do not see."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents import Agent
from domain.chat_prompts import chair_schema, chat_text, not_shown, shown_text, words_of
from domain.prompt_shapes import (
    ChairPrompt,
    ChatPrompt,
    HandoffPrompt,
    JudgePrompt,
    Said,
    Summary,
    SummaryPrompt,
    TemplatePrompt,
)
from domain.prompts import messages

TASK = TemplatePrompt(kind="template", template="Settle ${input}.", scope={})
SCOPE = {"input": "it"}


def over(*turns: int, turn: int = 0, **fields: Any) -> dict[str, Any]:
    view = tuple(Said(turn=number, speaker="ann", event=f"e{number}") for number in turns)
    return {"task": TASK, "participants": ("ann", "bob"), "turn": turn, "view": view, **fields}


def words(prompt: Any) -> list[tuple[str, str]]:
    return [(said.speaker, f"words {said.turn}") for said in prompt.view]


def told(prompt: Any, summary: str | None = None) -> list[str]:
    return chat_text(prompt, SCOPE, words(prompt), summary).split("\n\n")


def to_bob(*turns: int, **fields: Any) -> ChatPrompt:
    return ChatPrompt(kind="chat", speaker="bob", **over(*turns, **fields))


SPEAK = "You are bob. Say your next turn, to the others, in your own words."
BEGINNING = ["Settle it.", "Participants: ann, bob.", "The discussion so far:"]


def test_the_first_speaker_is_told_that_nobody_has_spoken() -> None:
    assert told(to_bob(turn=1)) == [*BEGINNING, "(nobody has spoken yet)", SPEAK]


def test_a_view_of_all_there_is_has_no_remark() -> None:
    assert told(to_bob(1, 2, turn=3)) == [*BEGINNING, "ann: words 1", "ann: words 2", SPEAK]


@pytest.mark.parametrize(
    ("shown", "remark"),
    [
        ((3, 4), "(Turns 1-2 are not shown.)"),
        ((2, 3, 4), "(Turn 1 is not shown.)"),
        ((2,), "(Turns 1 and 3-4 are not shown.)"),
        ((), "(Turns 1-4 are not shown.)"),
    ],
)
def test_a_view_says_what_it_leaves_out(shown: tuple[int, ...], remark: str) -> None:
    said = [f"ann: words {turn}" for turn in shown]
    assert told(to_bob(*shown, turn=5)) == [*BEGINNING, remark, *said, SPEAK]


def test_a_summary_stands_before_the_turns_and_says_what_it_covers() -> None:
    summary = Summary(event="s", by="scribe", to=4)
    assert told(to_bob(4, 5, 7, turn=8, summary=summary), "They want tea.") == [
        *BEGINNING,
        "Turns 1-4, summed up by scribe:",
        "They want tea.",
        "(Turn 6 is not shown.)",
        "Turns 4-5 and 7 in full:",
        "ann: words 4",
        "ann: words 5",
        "ann: words 7",
        SPEAK,
    ]


def test_a_summary_that_lost_turns_says_so() -> None:
    summary = Summary(event="s", by="scribe", to=9, lost=(3, 6))
    assert told(to_bob(turn=10, summary=summary), "Tea.")[3] == (
        "Turns 1-9 (of turns 3-6 not all), summed up by scribe:"
    )


@given(st.sets(st.integers(1, 30)), st.integers(1, 30), st.integers(0, 30))
def test_every_turn_is_shown_summed_up_or_said_to_be_left_out(shown: set[int], latest: int, covered: int) -> None:
    remark = not_shown(sorted(shown), latest, covered) or ""
    listed: set[int] = set()
    for part in remark.strip("(.)").replace("Turns", "").replace("Turn", "").replace(" and ", ", ").split(","):
        first, _, last = part.split(" are ")[0].split(" is ")[0].strip().partition("-")
        listed |= set(range(int(first), int(last or first) + 1)) if first else set()
    assert listed == set(range(covered + 1, latest + 1)) - shown


def test_a_chair_a_judge_and_who_sums_up_are_asked_for_what_they_are_for() -> None:
    chair = ChairPrompt(kind="chair", choices=("ann", "bob"), may_agree=False, **over(1, turn=2))
    assert told(chair)[-1] == "Choose who speaks next, one of: ann, bob. Give a short reason."
    assert "agreed: true" in told(chair.model_copy(update={"may_agree": True}))[-1]
    judge = JudgePrompt(kind="judge", question="Is it settled?", **over(1, turn=2))
    assert told(judge)[-2] == "Is it settled?"
    summary = Summary(event="s", by="scribe", to=4)
    scribe = SummaryPrompt(kind="summary", **over(5, 6, turn=7, summary=summary))
    assert told(scribe, "Tea.")[3:7] == [
        "Turns 1-4, summed up by scribe:",
        "Tea.",
        "Turns 5-6 in full:",
        "ann: words 5",
    ]
    assert told(scribe, "Tea.")[-1].startswith("Sum up turns 1-6 for those")


def test_who_sums_up_is_told_of_turns_that_are_gone() -> None:
    scribe = SummaryPrompt(kind="summary", **over(5, 6, turn=7))
    assert "(Turns 1-4 are not shown.)" in told(scribe)


def test_a_human_is_shown_the_latest_turns_that_fit_and_told_of_the_others() -> None:
    prompt = to_bob(*range(1, 40), turn=40)
    shown = shown_text(prompt, SCOPE, words(prompt), None, 200)
    assert len(shown) <= 200
    assert shown.endswith("ann: words 39")
    assert "are not shown.)" in shown
    assert SPEAK not in shown
    assert len(shown_text(prompt, {"input": "x" * 999}, words(prompt), None, 200)) == 200


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("plain", "plain"),
        ({"answer": "tea", "pass_to": "bob"}, "tea"),
        ({"decision": "say", "comment": " Tea. ", "by": "x"}, "Tea."),
        ({"decision": "say", "comment": " "}, "(passes)"),
        ({"decision": "pass", "comment": "unless asked"}, "(passes)"),
        ({"some": "data"}, '{"some": "data"}'),
    ],
)
def test_the_words_of_what_was_said(said: Any, text: str) -> None:
    assert words_of(said) == text


def test_a_handoff_says_which_turns_it_leaves_out() -> None:
    prompt = HandoffPrompt(
        kind="handoff", task=TASK, speaker="bob", choices=(), view=(Said(turn=3, speaker="ann", event="e"),)
    )
    asked = messages(Agent(name="bob", instructions="You are bob."), prompt, SCOPE, [("ann", "words 3")])
    assert asked[1]["content"].split("\n\n") == [
        "Settle it.", "So far:", "(Turns 1-2 are not shown.)", "ann: words 3", "Answer.",
    ]  # fmt: skip


def test_a_chair_can_only_name_somebody_who_may_speak() -> None:
    schema = chair_schema(("ann", "cat"), may_agree=True)
    assert schema["properties"]["next"]["enum"] == ["ann", "cat"]
    assert schema["required"] == ["next", "reason", "agreed"]
    assert "agreed" not in chair_schema(("ann",), may_agree=False)["properties"]
