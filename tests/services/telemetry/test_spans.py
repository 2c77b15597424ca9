"""Spans of events that real hosts rarely make: of earlier releases, of forks, of what was canceled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.events import Event, EventType
from domain.tracing import Resumed, derived, root_of
from services.telemetry.spans import Span, spans_of

EXECUTION = "01a21ecd6527d281264b744c86179562"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ROOT = root_of(derived(EXECUTION, "w"), EXECUTION)


def made(type: EventType, data: dict[str, Any], step: str | None = "a") -> list[Span]:
    event = Event(id="e", type=type, time=NOW, step=step, offset=7, data=data)
    return list(spans_of("local", EXECUTION, event))


def test_an_execution_of_an_earlier_release_has_a_trace_of_its_id() -> None:
    [whole] = made(EventType.EXECUTION_COMPLETED, {"stop_reason": "finished"}, None)
    [step] = made(EventType.STEP_COMPLETED, {"output": "hi"})
    assert (whole.within.id, whole.within.around, whole.id) == (EXECUTION, None, ROOT.around)
    assert (step.within.id, step.within.around) == (EXECUTION, whole.id)


@pytest.mark.parametrize("type", [EventType.STEP_STARTED, EventType.LOOP_ROUND, EventType.STEP_SKIPPED])
def test_what_ends_no_span_gives_none(type: EventType) -> None:
    assert made(type, {"kind": "agent"}) == []


def test_what_a_fork_is_given_is_no_work_of_its_own() -> None:
    assert made(EventType.STEP_COMPLETED, {"edited": True}) == []


def test_an_answer_that_was_not_asked_for_again_says_so_and_takes_no_time() -> None:
    call = ROOT.begun("b" * 16, "chat", NOW - timedelta(hours=1), hit="reused")
    facts = {"call": "a#0", "attempt": 1, "model": "m", "usage": {"tokens_in": 0}, "reused_from": "x"}
    [span] = made(EventType.CALL_COMPLETED, {**facts, "trace": call.as_data()})
    assert (span.kind, span.began, span.ended) == ("internal", NOW, NOW)
    assert span.attributes["meta_agents.ledger.hit"] == "reused"


def test_a_canceled_step_ends_without_being_an_error() -> None:
    step = ROOT.begun("b" * 16, "agent", NOW - timedelta(seconds=5), name="ann")
    [span] = made(EventType.STEP_CANCELED, {"reason": "late", "trace": step.as_data()})
    assert (span.error, span.attributes["meta_agents.outcome"]) == (None, "canceled")
    assert span.began == NOW - timedelta(seconds=5)


def test_a_call_that_begins_again_after_a_failure_needs_no_span_of_its_own() -> None:
    before = Resumed(span="c" * 16, reason="retry")
    begun = ROOT.begun("b" * 16, "resume", NOW, resumed=before)
    assert made(EventType.CALL_STARTED, {"call": "a#0", "trace": begun.as_data()}) == []


def test_no_payload_of_an_event_is_in_its_spans() -> None:
    call = ROOT.begun("b" * 16, "chat", NOW)
    facts = {"call": "a#0", "attempt": 1, "model": "m", "usage": {"tokens_in": 3, "tokens_out": 4}}
    event = Event(
        id="e", type=EventType.CALL_COMPLETED, time=NOW, step="a", offset=7, value="a secret",
        data={**facts, "trace": call.as_data()},
    )  # fmt: skip
    assert "a secret" not in str(list(spans_of("local", EXECUTION, event)))
