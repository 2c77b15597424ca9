"""Trace context as data: it is read as W3C says, and the ids of spans follow from their places."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tracing import Spanned, Trace, continued, derived, root_of

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EXECUTION = "01a21ecd6527d281264b744c86179562"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_a_callers_trace_is_gone_on_with() -> None:
    trace = continued(CALLER, "w")
    assert trace is not None
    assert (trace.id, trace.around, trace.workflow) == (CALLER.split("-")[1], CALLER.split("-")[2], "w")


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "nonsense",
        CALLER.replace("00-0", "ff-0"),
        CALLER[:-1],
        CALLER.upper(),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
    ],
)
def test_what_is_no_traceparent_is_not(sent: str | None) -> None:
    assert continued(sent, "w") is None


def test_of_a_later_version_what_is_known_counts() -> None:
    trace = continued(f"cc{CALLER[2:]}-more", "w")
    assert trace is not None
    assert trace.parent == CALLER


def test_without_a_caller_the_trace_has_the_executions_id_and_no_span_around() -> None:
    trace = derived(EXECUTION)
    assert (trace.id, trace.around) == (EXECUTION, None)


@given(st.text(), st.text(), st.integers(0, 9))
def test_an_id_is_the_same_each_time_and_another_elsewhere(key: str, other: str, attempt: int) -> None:
    here = root_of(derived(EXECUTION), EXECUTION)
    span = here.child("call", key, attempt)
    assert span == Trace.model_validate(here.model_dump()).child("call", key, attempt)
    assert len(span) == 16
    assert span != here.child("call", key, attempt + 1)
    assert span != here.within(span).child("call", key, attempt)
    assert (span == here.child("call", other, attempt)) == (key == other)


def test_two_executions_of_one_caller_have_spans_of_their_own() -> None:
    trace = Trace(parent=CALLER)
    assert root_of(trace, EXECUTION).around != root_of(trace, EXECUTION[::-1]).around


def test_whether_it_is_sampled_stays_what_the_caller_said() -> None:
    root = root_of(Trace(parent=f"{CALLER[:-2]}00"), EXECUTION)
    assert root.within(root.child("step", "a")).parent.endswith("-00")


def test_what_an_event_carries_reads_back_the_same() -> None:
    root = root_of(derived(EXECUTION, "w"), EXECUTION)
    turn = root.begun(root.child("turn", "a#0"), "invoke_agent", NOW, name="ann")
    call = turn.inside.begun("b" * 16, "chat", NOW, turn=turn)
    assert Spanned.model_validate(call.as_data()) == call
