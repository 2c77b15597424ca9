from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce as fold
from typing import Any

import pytest

from meta_agents.live.state import Progress, State, reduce
from meta_agents.live.waits import Question, Wait
from tests.meta_agents.samples import (
    ERROR,
    USAGE,
    asked,
    call_completed,
    call_started,
    canceled,
    completed,
    delta,
    event,
    failed,
    numbered,
    parsed,
    short_log,
    started,
)

Made = dict[str, Any]


def state_after(items: Iterable[Made]) -> State:
    return fold(reduce, map(parsed, items), State())


def writing(*pieces: Made) -> str:
    """What is shown of the one answer being written after these deltas."""
    (call,) = state_after([call_started("write", "writer"), *pieces]).calls.values()
    return ("…" if call.start else "") + call.text


def test_a_whole_execution() -> None:
    state = state_after(short_log("Tea."))

    assert (state.workflow, state.version, state.status, state.output) == ("brief", 1, "completed", "Tea.")
    assert state.is_ended
    assert state.stop_reason == "finished"
    assert [(turn.agent, turn.step, turn.event.value) for turn in state.transcript] == [("writer", "write", "Tea.")]
    assert state.calls == {}
    assert state.started == datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)
    assert state.ended == datetime(2026, 11, 22, 12, 0, 9, tzinfo=UTC)


def test_a_state_is_never_changed() -> None:
    before = state_after(short_log()[:3])
    calls, transcript = dict(before.calls), before.transcript

    reduce(before, parsed(short_log()[3]))

    assert (before.calls, before.transcript) == (calls, transcript)


@pytest.mark.parametrize(
    ("type_", "progress"),
    [
        ("step.started", Progress.RUNNING),
        ("step.completed", Progress.COMPLETED),
        ("step.failed", Progress.FAILED),
        ("step.skipped", Progress.SKIPPED),
    ],
)
def test_steps_progress(type_: str, progress: Progress) -> None:
    state = state_after([event(1, "step.started", step="a", kind="map"), event(2, type_, step="a", kind="map")])

    assert [(step.path, step.kind, step.progress) for step in state.steps.values()] == [("a", "map", progress)]


def test_a_step_keeps_its_kind_and_its_place() -> None:
    begun = [event(1, "step.started", step=path, kind="agent") for path in ("a", "b")]

    state = state_after([*begun, event(3, "step.completed", step="a")])

    assert [(step.path, step.kind) for step in state.steps.values()] == [("a", "agent"), ("b", "agent")]


def test_agents_write_at_the_same_time() -> None:
    state = state_after(
        [
            call_started("a", "ann"),
            call_started("b", "bob"),
            delta("a", 0, "An"),
            delta("b", 0, "Bo"),
            delta("a", 2, "n."),
        ]
    )

    assert {call.agent: call.text for call in state.calls.values()} == {"ann": "Ann.", "bob": "Bo"}
    assert state.agents == ("ann", "bob")


def test_repeated_and_overlapping_pieces_are_not_written_twice() -> None:
    assert writing(delta("write", 0, "Hello"), delta("write", 0, "Hello"), delta("write", 3, "lo, you")) == "Hello, you"


def test_an_old_piece_takes_nothing_away() -> None:
    assert writing(delta("write", 0, "Hello"), delta("write", 1, "el"), delta("write", 5, "!")) == "Hello!"


def test_after_missed_pieces_the_answer_begins_where_it_is_known() -> None:
    assert writing(delta("write", 0, "Hello"), delta("write", 40, "the end"), delta("write", 47, ".")) == "…the end."


def test_a_piece_from_before_what_is_known_is_left_out() -> None:
    assert writing(delta("write", 40, "the end"), delta("write", 10, "lost")) == "…the end"


def test_a_new_attempt_discards_what_the_one_before_wrote() -> None:
    state = state_after(
        [
            call_started("write", "writer"),
            delta("write", 0, "Half an ans"),
            call_started("write", "writer", attempt=2),
            delta("write", 11, "wer", attempt=1),
            delta("write", 0, "Whole", attempt=2),
        ]
    )

    (call,) = state.calls.values()
    assert (call.attempt, call.text) == (2, "Whole")


def test_a_piece_may_overtake_the_start_of_its_attempt() -> None:
    late = call_started("write", "writer", attempt=2)
    assert writing(delta("write", 0, "Half"), delta("write", 0, "Whole", attempt=2)) == "Whole"
    assert writing(delta("write", 0, "Half"), late, delta("write", 0, "Whole", attempt=2)) == "Whole"


def test_pieces_of_calls_that_are_not_under_way_are_ignored() -> None:
    log = short_log()
    assert state_after([*log[:4], delta("write", 0, "Late")]).calls == {}


def test_a_failed_call_waits_for_its_next_attempt() -> None:
    lost = event(2, "call.failed", step="write", agent="writer", call="call:write", attempt=1, error=ERROR, retry_in=2)
    (waiting,) = state_after([call_started("write", "writer"), delta("write", 0, "Ha"), lost]).calls.values()

    assert (waiting.waiting, waiting.text) == ("The model did not answer.", "")

    again = [call_started("write", "writer"), lost, delta("write", 0, "Whole", attempt=2)]
    (writing_again,) = state_after(again).calls.values()
    assert (writing_again.waiting, writing_again.text) == (None, "Whole")


def test_a_late_piece_of_an_attempt_that_failed_is_dropped() -> None:
    lost = event(2, "call.failed", step="write", agent="writer", call="call:write", attempt=1, error=ERROR, retry_in=2)
    pieces = [delta("write", 0, "Half an"), lost, delta("write", 7, " answer"), delta("write", 0, "Half")]
    (call,) = state_after([call_started("write", "writer"), *pieces]).calls.values()
    assert (call.waiting, call.text) == ("The model did not answer.", "")


def test_a_call_that_failed_for_good_is_gone() -> None:
    lost = event(2, "call.failed", step="write", agent="writer", call="call:write", attempt=1, error=ERROR)

    assert state_after([call_started("write", "writer"), lost]).calls == {}


def test_usage_adds_up_until_the_end_says_it_all() -> None:
    done = [call_completed("a", "ann", "A"), call_completed("b", "bob", "B")]

    assert state_after(done).usage.cost_usd == Decimal("0.002")
    assert state_after(done).usage.tokens_in == 20
    assert state_after([*done, completed()]).usage.tokens_in == 10


def test_a_price_that_is_not_known_makes_the_sum_unknown() -> None:
    free = call_completed("a", "ann", "A", usage={"model_calls": 1, "tokens_in": 1, "tokens_out": 1, "cost_usd": None})

    assert state_after([free, call_completed("b", "bob", "B")]).usage.cost_usd is None


def test_a_reused_answer_costs_nothing_again() -> None:
    state = state_after([call_completed("a", "ann", "A", reused_from="0123")])

    assert state.usage.model_calls == 0
    assert state.transcript[0].reused_from == "0123"


def test_a_chair_is_paid_but_is_not_in_the_transcript() -> None:
    state = state_after([call_completed("debate/turn[1]/chair", "chair", {"agent": "ann"}, role="chair")])

    assert state.transcript == ()
    assert state.usage.model_calls == 1


def test_a_tool_is_under_way_by_its_name_and_says_nothing_in_the_transcript() -> None:
    facts: Made = {"call": "c", "attempt": 1, "tool": "database"}
    begun = event(1, "call.started", step="look-up", **facts)

    (call,) = state_after([begun]).calls.values()
    assert (call.agent, call.step) == ("database", "look-up")
    ended = state_after([begun, event(2, "call.completed", step="look-up", value=3, **facts)])
    assert (ended.calls, ended.transcript) == ({}, ())


def test_an_answer_that_does_not_fit_is_paid_and_is_no_turn() -> None:
    rejected = event(2, "call.rejected", step="write", agent="writer", call="call:write", usage=USAGE, error=ERROR)
    state = state_after([call_started("write", "writer"), rejected])

    assert (state.calls, state.transcript, state.usage.model_calls) == ({}, (), 1)


def test_orders_change_the_status() -> None:
    orders = [event(1, f"execution.{what}", by="ann") for what in ("paused", "resumed", "cancel_requested")]

    assert [state_after(orders[:count]).status for count in range(4)] == ["running", "paused", "running", "canceling"]
    assert not state_after(orders).is_ended
    assert state_after([*orders, canceled()]).status == "canceled"


def test_a_wait_lasts_until_its_step_ends() -> None:
    waits = [
        event(1, "step.waiting", step="rest", **{"for": "time", "until": "2026-11-22T13:00:00Z"}),
        event(2, "step.waiting", step="hold", **{"for": "event", "event": "go", "until": None}),
        event(3, "step.waiting", step="write", call="c", **{"for": "resume"}),
    ]

    assert state_after(waits).waits == {
        "rest": Wait("rest", None, datetime(2026, 11, 22, 13, tzinfo=UTC)),
        "hold": Wait("hold", "go", None),
    }
    for type_ in ("step.completed", "step.failed", "step.skipped", "step.canceled"):
        assert list(state_after([*waits, event(4, type_, step="rest")]).waits) == ["hold"]


def test_a_question_is_open_until_it_is_decided() -> None:
    escalated = event(2, "approval.escalated", step="sign-off", approval="q-sign-off", roles=["operator", "boss"])
    decided = event(3, "approval.decided", step="sign-off", approval="q-sign-off", decision="approve")

    (question,) = state_after([asked(deadline="2026-11-22T13:00:00Z")]).questions.values()
    assert question == Question(
        id="q-sign-off",
        step="sign-off",
        ask="Publish this?",
        options=("approve", "reject"),
        roles=("operator",),
        deadline=datetime(2026, 11, 22, 13, tzinfo=UTC),
        otherwise="reject",
    )
    assert state_after([asked(), escalated]).questions["q-sign-off"].roles == ("operator", "boss")
    assert state_after([asked(), escalated, decided]).questions == {}


def test_in_a_canceled_step_nothing_is_waited_for() -> None:
    within = [
        event(1, "step.started", step="all/law", kind="sequential"),
        call_started("all/law/write", "writer"),
        event(3, "step.waiting", step="all/law[0]", **{"for": "event", "event": "go"}),
        asked("all/law"),
    ]
    beside = [call_started("all/lawyer", "ann"), asked("all/lawyer/x")]
    state = state_after([*within, *beside, event(9, "step.canceled", step="all/law", reason="enough")])

    assert [call.step for call in state.calls.values()] == ["all/lawyer"]
    assert (state.waits, list(state.questions)) == ({}, ["q-all/lawyer/x"])
    assert state.steps["all/law"].progress is Progress.CANCELED


@pytest.mark.parametrize(("last", "status"), [(failed(), "failed"), (canceled(), "canceled")])
def test_an_early_end_leaves_nothing_under_way(last: Made, status: str) -> None:
    waits = event(4, "step.waiting", step="rest", **{"for": "event", "event": "go"})
    state = state_after([*short_log()[:3], waits, asked(), last])

    assert state.status == status
    assert (state.calls, state.waits, state.questions) == ({}, {}, {})
    assert [step.progress for step in state.steps.values()] == [Progress.CANCELED]


def test_a_failure_says_why() -> None:
    error = state_after([failed()]).error

    assert error is not None
    assert (error.code, error.action) == ("model_unreachable", "Check that it runs.")


@pytest.mark.parametrize(
    "odd",
    [
        event(1, "tool.called", step="a", agent="ann"),
        event(1, "call.completed"),
        event(1, "call.failed", error="text", retry_in=1),
        event(1, "execution.failed", error={}, usage=[]),
        event(1, "execution.started", version="one"),
        event(1, "step.waiting"),
        event(1, "approval.requested", options="text", roles=3, deadline="soon"),
        event(1, "approval.decided"),
        event(1, "approval.escalated"),
        event(1, "step.canceled"),
    ],
    ids=lambda made: made["type"],
)
def test_events_of_other_servers_break_nothing(odd: Made) -> None:
    assert state_after(numbered(started(), odd)).workflow in {"brief", ""}
