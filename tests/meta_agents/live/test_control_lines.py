from __future__ import annotations

from typing import Any

import pytest

from meta_agents.live.lines import narrate
from meta_agents.live.state import State, reduce
from meta_agents.results import Event
from tests.meta_agents.samples import asked, event, parsed


def said(made: dict[str, Any], execution: str = "0123") -> str | None:
    item = parsed(made)
    assert isinstance(item, Event)
    text = narrate(reduce(State(execution=execution), item), item)
    return None if text is None else text.plain


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("paused", "‖ paused by ann: what is under way ends, nothing new begins\n    meta-agents resume 0123"),
        ("resumed", "▶ resumed by ann"),
        ("cancel_requested", "■ canceling, as ann asked: what is under way is broken off"),
    ],
)
def test_orders(what: str, line: str) -> None:
    assert said(event(1, f"execution.{what}", by="ann")) == line


def test_who_does_not_know_the_id_sees_where_it_goes() -> None:
    line = said(event(1, "execution.paused", by="ann"), execution="")

    assert line is not None
    assert line.endswith("meta-agents resume ID")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"for": "time", "until": "2026-11-22T13:00:00+01:00"}, "◷ rest waits until 2026-11-22 12:00:00Z"),
        ({"for": "time", "until": "odd"}, "◷ rest waits"),
        (
            {"for": "event", "event": "go", "until": None},
            "◷ rest waits for the event go\n    meta-agents send 0123 go",
        ),
        (
            {"for": "event", "event": "go", "until": "2026-11-22T12:00:00Z"},
            "◷ rest waits until 2026-11-22 12:00:00Z for the event go\n    meta-agents send 0123 go",
        ),
        ({"for": "resume"}, None),
        ({"for": "something newer"}, None),
    ],
)
def test_what_is_waited_for(data: dict[str, Any], line: str | None) -> None:
    assert said(event(1, "step.waiting", step="rest", **data)) == line


def test_events_that_came() -> None:
    assert said(event(1, "signal.received", name="go", by="ann", value=3)) == "◆ ann sent the event go"


def test_a_question_with_the_commands_that_answer_it() -> None:
    assert said(asked()) == (
        "? sign-off asks operator: Publish this?\n    meta-agents approve q-sign-off\n    meta-agents reject q-sign-off"
    )


def test_a_question_with_what_to_look_at_and_a_deadline() -> None:
    deadline = "2026-11-24T12:00:00Z"
    line = said(asked(options=("say", "pass"), show={"a": 1}, roles=["lead", "boss"], deadline=deadline))

    assert line is not None
    assert line.splitlines() == [
        "? sign-off asks lead, boss: Publish this?",
        "    {",
        '      "a": 1',
        "    }",
        "    by 2026-11-24 12:00:00Z; after that: reject",
        '    meta-agents decide q-sign-off say --comment "…"',
        "    meta-agents decide q-sign-off pass",
    ]


def test_a_question_that_is_too_long_for_the_log() -> None:
    line = said({**asked(), "value": None, "artifact": "sha"})

    assert line is not None
    assert "(too long for here: meta-agents get approval q-sign-off)" in line


def test_escalation() -> None:
    told = event(1, "approval.escalated", step="sign-off", approval="q-sign-off", roles=["operator", "boss"])

    assert said(told) == "? sign-off now asks operator, boss"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"by": "ann", "how": "decided"}, "◆ sign-off: ann decided approve"),
        ({"by": "ann", "how": "decided", "comment": "Go\nahead."}, "◆ sign-off: ann decided approve: Go ahead."),
        ({"by": None, "how": "deadline"}, "◆ sign-off: nobody decided in time, what counts is approve"),
    ],
)
def test_decisions(data: dict[str, Any], line: str) -> None:
    assert said(event(1, "approval.decided", step="sign-off", decision="approve", **data)) == line


@pytest.mark.parametrize(
    ("decision", "words", "line"),
    [("say", "Tea.\nNow.", "jo debate/turn[2]\n    Tea.\n    Now."), ("pass", "", "jo debate/turn[2]\n    (passes)")],
)
def test_what_a_person_said_in_a_chat(decision: str, words: str, line: str) -> None:
    value = {"decision": decision, "comment": words}
    told = event(1, "approval.decided", step="debate/turn[2]", speaker="jo", decision=decision, value=value)

    assert said(told) == line


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b2J", "\x07", "\r", "\x00"])
def test_nobody_can_command_the_terminal(hostile: str) -> None:
    texts = {"by": hostile, "decision": hostile, "comment": hostile, "name": hostile, "event": hostile}
    facts: dict[str, Any] = {
        **texts,
        "approval": hostile,
        "roles": [hostile],
        "options": [hostile],
        "otherwise": hostile,
    }
    deadline = {"deadline": "2026-11-22T12:00:00Z"}
    value = {"ask": hostile, "show": hostile, "comment": hostile}
    types = ["execution.paused", "signal.received", "approval.requested", "approval.escalated", "approval.decided"]
    lines = [said(event(1, type_, step=hostile, value=value, **facts, **deadline)) for type_ in types]
    lines.append(said(event(1, "step.waiting", step=hostile, **{**texts, "for": "event"})))
    lines.append(said(event(1, "approval.decided", step=hostile, **{**texts, "decision": "say", "speaker": hostile})))

    for line in lines:
        assert line is not None
        assert hostile not in line
