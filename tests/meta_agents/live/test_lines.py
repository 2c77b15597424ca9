from __future__ import annotations

from typing import Any

import pytest

from meta_agents.live.lines import narrate
from meta_agents.live.state import State, reduce
from meta_agents.results import Event
from tests.meta_agents.samples import ERROR, call_completed, call_started, completed, event, failed, parsed, started


def said(*log: dict[str, Any]) -> str | None:
    """What is said of the last of these events."""
    state, text = State(), None
    for made in log:
        item = parsed(made)
        assert isinstance(item, Event)
        state = reduce(state, item)
        text = narrate(state, item)
    return None if text is None else text.plain


def test_start() -> None:
    assert said(started()) == "▶ brief, version 1"


@pytest.mark.parametrize(
    ("type_", "data", "line"),
    [
        ("step.started", {"kind": "concurrent"}, "● review/market concurrent"),
        ("step.completed", {}, "✓ review/market"),
        ("step.skipped", {"reason": "`when` is false"}, "⊘ review/market skipped: `when` is false"),
        ("step.failed", {"error": ERROR}, "✗ review/market: The model did not answer.\n    Check that it runs."),
        ("step.failed", {}, "✗ review/market"),
    ],
)
def test_steps(type_: str, data: dict[str, Any], line: str) -> None:
    assert said(event(1, type_, step="review/market", **data)) == line


def test_an_answer_with_what_it_took() -> None:
    line = said(call_completed("write", "writer", "One.\n\nTwo."))

    assert line == "writer write  1.5 s, 10 in, 5 out\n    One.\n    \n    Two."


def test_an_answer_that_was_cut_off() -> None:
    line = said(call_completed("write", "writer", "One", finish_reason="length"))

    assert line is not None
    assert "cut off at its limit" in line


def test_an_answer_that_is_data() -> None:
    assert said(call_completed("write", "writer", {"ü": 1})) == (
        'writer write  1.5 s, 10 in, 5 out\n    {\n      "ü": 1\n    }'
    )


def test_an_answer_reused_from_another_execution() -> None:
    line = said(call_completed("write", "writer", "One.", reused_from="0123"))

    assert line == "writer write  reused from 0123\n    One."


def test_an_answer_that_was_not_loaded() -> None:
    line = said(call_completed("write", "writer", None, artifact="sha-1"))

    assert line is not None
    assert line.endswith("(a large answer: artifact sha-1)")


def test_a_chair_speaks_through_its_choice_alone() -> None:
    assert said(call_completed("debate/turn[2]/chair", "chair", {"agent": "ann"}, role="chair")) is None


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"by": "round_robin", "reason": ""}, "→ ann speaks next (round robin)"),
        ({"by": "chair", "reason": "knows the law"}, "→ ann speaks next (chair: knows the law)"),
    ],
)
def test_who_speaks_next_and_why(data: dict[str, Any], line: str) -> None:
    assert said(event(1, "chat.speaker_chosen", step="debate/turn[2]", agent="ann", turn=2, **data)) == line


def test_why_a_chat_ended() -> None:
    ended = event(1, "chat.ended", step="debate", stop_reason="said", turns=7, evidence="AGREED on tea")

    assert said(ended) == "◆ debate ended after 7 turns: said\n    AGREED on tea"


@pytest.mark.parametrize("role", ["chair", "judge", "summary"])
def test_an_answer_that_is_no_turn_is_told_by_what_came_of_it(role: str) -> None:
    assert said(call_completed("debate/turn[2]/x", "ann", "words", role=role)) is None


@pytest.mark.parametrize(
    ("type_", "data", "line"),
    [
        ("chat.judged", {"settled": False, "reason": "tea is open"}, "· ann says no: tea is open"),
        ("chat.judged", {"settled": True, "reason": "all want tea"}, "· ann says yes: all want tea"),
        ("chat.summarised", {"covers": [1, 12]}, "· ann has summed up turns 1-12"),
    ],
)
def test_verdicts_and_summaries(type_: str, data: dict[str, Any], line: str) -> None:
    assert said(event(1, type_, step="debate/turn[2]/x", agent="ann", **data)) == line


@pytest.mark.parametrize(
    ("decision", "words", "line"),
    [("say", "Tea.\nNow.", "jo debate/turn[2]\n    Tea.\n    Now."), ("pass", "", "jo debate/turn[2]\n    (passes)")],
)
def test_what_a_person_said(decision: str, words: str, line: str) -> None:
    told = event(1, "approval.decided", step="debate/turn[2]", speaker="jo", turn=2, decision=decision)
    assert said({**told, "value": {"decision": decision, "comment": words}}) == line
    assert said(event(1, "approval.decided", step="sign-off", decision="approve")) is None


def test_a_call_that_will_be_tried_again() -> None:
    lost = event(2, "call.failed", step="write", agent="writer", call="c", attempt=1, error=ERROR, retry_in=4)

    assert said(lost) == (
        "↻ writer write try 1 failed: The model did not answer.\n    Check that it runs.\n    trying again in 4 s"
    )


def test_a_call_that_failed_for_good() -> None:
    lost = event(2, "call.failed", step="write", agent="writer", call="c", attempt=4, error=ERROR)

    assert said(lost) == "✗ writer write try 4 failed: The model did not answer.\n    Check that it runs."


def test_ends() -> None:
    usage = "  1 call, 10 tokens in, 5 out, $0.0010"
    assert said(started(), {**completed(), "time": "2026-11-22T12:03:06Z"}) == f"✓ completed in 3 m 05 s{usage}"
    assert said(failed()) == f"✗ failed{usage}: The model did not answer.\n    Check that it runs."
    assert said(event(1, "execution.canceled")) == "■ canceled  0 calls, 0 tokens in, 0 out, $0.0000"


def test_what_needs_no_words() -> None:
    assert said(call_started("write", "writer")) is None
    assert said(event(1, "tool.called")) is None


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b2J", "\x07", "\r", "\x00"])
def test_answers_cannot_command_the_terminal(hostile: str) -> None:
    lines = [
        said(call_completed("write", "writer", f"a{hostile}b")),
        said(call_completed(f"w{hostile}", f"a{hostile}", {"k": hostile})),
        said(event(1, "chat.ended", step="debate", stop_reason="said", turns=1, evidence=hostile)),
        said(event(1, "step.failed", step=hostile, error=ERROR | {"message": hostile, "action": hostile})),
        said(event(1, "step.skipped", step="a", reason=hostile)),
        said(event(1, "chat.speaker_chosen", agent=hostile, by=hostile, reason=hostile)),
        said(event(1, "chat.judged", agent=hostile, settled=True, reason=hostile)),
        said({**event(1, "approval.decided", speaker=hostile, decision="say"), "value": {"comment": hostile}}),
        said(started(hostile)),
    ]

    for line in lines:
        assert line is not None
        assert hostile not in line
