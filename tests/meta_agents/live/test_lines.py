from __future__ import annotations

from typing import Any

import pytest

from meta_agents.live.lines import narrate
from meta_agents.live.state import State, reduce
from meta_agents.results import Event
from tests.meta_agents.samples import (
    ERROR,
    USAGE,
    call_completed,
    call_started,
    completed,
    event,
    failed,
    parsed,
    started,
)


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


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"reason": "what `join` asks for is there"}, "■ review/law canceled: what `join` asks for is there"),
        ({}, "■ review/law canceled: no reason given"),
    ],
)
def test_canceled_steps(data: dict[str, Any], line: str) -> None:
    assert said(event(1, "step.canceled", step="review/law", **data)) == line


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"stop_reason": "no_progress", "evidence": "nothing\nnew"}, "✓ review (no progress: nothing new)"),
        ({"stop_reason": "turns", "evidence": "All 3 turns are up.", "kind": "group_chat"}, "✓ review"),
        ({"stop_reason": "said", "evidence": None}, "✓ review"),
        ({"edited": True}, "✓ review given by the fork"),
    ],
)
def test_why_a_step_came_to_its_end(data: dict[str, Any], line: str) -> None:
    assert said(event(1, "step.completed", step="review", **data)) == line


def test_rounds_of_a_loop() -> None:
    assert said(event(1, "loop.round", step="outer/round[1]/improve/round[12]", round=12)) == (
        "↻ outer/round[1]/improve round 12"
    )


@pytest.mark.parametrize(("reason", "rest"), [("about\nmoney", ": about money"), ("", "")])
def test_handoffs(reason: str, rest: str) -> None:
    passed = event(1, "handoff.passed", step="help/turn[1]", agent="triage", to="refunds", reason=reason)

    assert said(passed) == f"→ triage hands over to refunds{rest}"


@pytest.mark.parametrize(
    ("fork", "rest"),
    [
        (None, ""),
        ("odd", ""),
        ({"before": "write", "until": 7}, ", anew from write"),
        ({"until": 7}, ", anew after offset 6"),
        (
            {"outputs": ["a/b"], "edited": ["input", "agents/chair"]},
            ", with another input, with another agent chair, with the output of a/b given",
        ),
    ],
)
def test_what_it_goes_on_from(fork: Any, rest: str) -> None:
    first = event(1, "execution.started", workflow="brief", version=None, retry_of="0123", fork=fork)

    assert said(first) == f"▶ brief\n    goes on from 0123{rest}"


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


def test_what_a_tool_gave() -> None:
    made = event(1, "call.completed", step="look-up", value={"rows": 2}, call="c", tool="database", seconds=0.25)

    assert said(made) == '⚒ database look-up  0.2 s\n    {\n      "rows": 2\n    }'


def test_a_cheap_answer_that_was_not_accepted() -> None:
    error = ERROR | {"code": "model_not_accepted"}
    rejected = event(1, "call.rejected", step="write", agent="writer", call="c", error=error)

    assert (said(rejected) or "").startswith("↻ writer write gave an answer that is not accepted")


def test_an_answer_that_was_kept_or_came_from_another() -> None:
    passed = [{"alias": "large", "code": "model_unreachable", "message": "503"}]
    facts: dict[str, Any] = {"call": "c", "cached": True, "passed_over": passed}
    done = event(1, "call.completed", step="write", agent="writer", value="Hi", **facts)

    assert "a kept answer, free, instead of large" in (said(done) or "")


def test_an_answer_that_does_not_fit() -> None:
    rejected = event(1, "call.rejected", step="write", agent="writer", call="c", error=ERROR | {"message": "No `a`."})

    assert said(rejected) == ("↻ writer write gave an answer that does not fit: No `a`.\n    Check that it runs.")


@pytest.mark.parametrize(
    ("partial", "rest"),
    [({}, ""), ({"partial": True, "value": "Half an\nans"}, ", having said:\n    Half an\n    ans")],
)
def test_a_call_that_was_broken_off(partial: dict[str, Any], rest: str) -> None:
    error = {"code": "canceled", "message": "The execution was canceled."}
    lost = event(1, "call.failed", step="write", agent="writer", call="c", error=error, **partial)

    assert said(lost) == f"■ writer write was broken off{rest}"


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
        said(event(1, "step.canceled", step="a", reason=hostile)),
        said(event(1, "step.completed", step="a", stop_reason=hostile, evidence=f"{hostile}x")),
        said(event(1, "handoff.passed", step="a", agent=hostile, to=hostile, reason=hostile)),
        said(event(1, "loop.round", step=f"{hostile}/round[1]", round=1)),
        said(event(1, "execution.started", workflow="a", retry_of=hostile, fork={"before": hostile})),
        said(event(1, "call.failed", step="a", agent="b", error={"code": "canceled", "message": ""}, value=hostile)),
        said(started(hostile)),
    ]

    for line in lines:
        assert line is not None
        assert hostile not in line


class TestTools:
    ARGUMENTS = {"number": "A-1001"}  # noqa: RUF012

    def asked(self, **asks: Any) -> dict[str, Any]:
        calls = [{"id": "c", "name": "find-order", "arguments": self.ARGUMENTS}]
        value = {"text": "Let me see.", "tool_calls": calls}
        facts = {"call": "c", "usage": USAGE, "asks": [{"tool": "find-order", **asks}]}
        return event(1, "call.asked", step="help", agent="clerk", value=value, **facts)

    def test_what_is_asked_for(self) -> None:
        line = '⚒ clerk help asks for tools\n    Let me see.\n    find-order(number="A-1001")'
        assert said(self.asked()) == line
        assert said(self.asked(refused="No such tool.")) == f"{line}  not called: No such tool."

    def test_what_a_tool_gave(self) -> None:
        gave = event(1, "call.completed", step="help/tool[0]", agent="clerk", value="1\n2", tool="add", seconds=0.5)
        assert said(gave) == "⚒ add help/tool[0]  0.5 s\n    1\n    2"
        long = {**gave, "value": "\n".join(map(str, range(9)))}
        assert (said(long) or "").endswith("    5\n    … and 3 lines more")

    def test_it_cannot_command_the_terminal(self) -> None:
        hostile = event(1, "call.completed", step="s", agent="x", value="\x1b[2J", tool="\x1b]0;x", seconds=0)
        assert "\x1b" not in (said(hostile) or "")

    def test_it_is_no_turn(self) -> None:
        state = State()
        for made in (self.asked(), event(2, "call.completed", step="s/tool[0]", agent="x", value="1", tool="add")):
            item = parsed(made)
            assert isinstance(item, Event)
            state = reduce(state, item)
        assert state.transcript == ()
        assert state.usage.model_calls == 1
