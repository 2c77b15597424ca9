"""How each step went, as its log says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.errors import platform_failed
from domain.events import EventType, given_id
from domain.summaries import LogReader
from tests.domain.logs import Log

ERROR = platform_failed("It broke.").model_dump(mode="json", exclude_none=True)


def test_an_agent_step() -> None:
    step = Log().agent_step("write", "writer", "A text.").summary().steps["write"]
    assert (step.kind, step.status, step.agent, step.preview) == ("agent", "completed", "writer", "A text.")
    assert (step.attempts, step.reused, list(step.requests)) == (1, 0, ["write#0"])
    assert (step.usage.model_calls, step.usage.tokens_in, step.usage.cost_usd) == (1, 10, Decimal("0.01"))
    assert step.seconds == 3
    assert step.is_ended


def test_attempts_are_counted_and_a_failure_that_is_tried_again_ends_nothing() -> None:
    log = Log().begin("a").add(EventType.CALL_STARTED, "a", "x", call="a#0", attempt=1)
    log.add(EventType.CALL_FAILED, "a", "x", call="a#0", error=ERROR, retry_in=2.0)
    step = log.summary().steps["a"]
    assert (step.status, step.error, step.seconds) == ("running", None, None)
    step = log.call("a", "x", "yes").end("a").summary().steps["a"]
    assert (step.status, step.attempts, step.preview) == ("completed", 2, "yes")


def test_what_an_attempt_had_used_when_it_broke_off_is_of_the_step() -> None:
    spent = {"model_calls": 0, "tokens_in": 10, "tokens_out": 3, "cost_usd": "0.02"}
    log = Log().begin("a").add(EventType.CALL_FAILED, "a", "x", call="a#0", error=ERROR, retry_in=2.0, spent=spent)
    usage = log.call("a", "x", "yes").end("a").summary().steps["a"].usage
    assert (usage.model_calls, usage.tokens_in, usage.cost_usd) == (1, 20, Decimal("0.03"))


def test_a_failed_step_says_why() -> None:
    step = Log().begin("a").fail("a").summary().steps["a"]
    assert (step.status, step.error, step.preview, step.output) == ("failed", "platform_failed", "It broke.", None)


def test_turns_of_a_chat_have_only_their_calls() -> None:
    log = Log().begin("talk", "group_chat")
    log.call("talk/turn[1]/chair", "boss", {"next": "ann"}, role="chair")
    log.add(EventType.SPEAKER_CHOSEN, "talk/turn[1]", "ann", turn=1, by="boss", reason="r")
    log.add(EventType.CALL_STARTED, "talk/turn[1]", "ann", call="talk/turn[1]#0", attempt=1)
    assert log.summary().steps["talk/turn[1]"].status == "running"
    log.answer("talk/turn[1]", "ann", "hello")
    log.add(EventType.CHAT_ENDED, "talk", turns=1, stop_reason="turns", evidence="All 1 turns are up.")
    steps = log.end("talk", output="All 1 turns are up.").summary().steps
    assert list(steps) == ["talk", "talk/turn[1]/chair", "talk/turn[1]"]
    turn, chair, talk = steps["talk/turn[1]"], steps["talk/turn[1]/chair"], steps["talk"]
    assert (turn.kind, turn.status, turn.agent, turn.preview) == ("turn", "completed", "ann", "hello")
    assert (chair.kind, chair.agent) == ("chair", "boss")
    assert (talk.stop_reason, talk.usage.model_calls) == ("turns", 0)


def test_a_call_that_fails_for_good_fails_its_turn() -> None:
    log = Log().begin("talk", "group_chat").add(EventType.CALL_STARTED, "talk/turn[1]", "ann", call="c", attempt=1)
    log.add(EventType.CALL_FAILED, "talk/turn[1]", "ann", call="c", error=ERROR)
    turn = log.summary().steps["talk/turn[1]"]
    assert (turn.status, turn.error) == ("failed", "platform_failed")


def test_a_turn_of_a_human_is_its_question() -> None:
    log = Log().begin("talk", "group_chat").add(EventType.SPEAKER_CHOSEN, "talk/turn[1]", "you", turn=1)
    log.add(EventType.APPROVAL_REQUESTED, "talk/turn[1]")
    assert log.summary().steps["talk/turn[1]"].status == "waiting"
    log.add(EventType.APPROVAL_DECIDED, "talk/turn[1]", decision="say", comment="Well.", by="ann", value={"by": "ann"})
    turn = log.summary().steps["talk/turn[1]"]
    assert (turn.status, turn.seconds) == ("completed", 2)
    assert "Well." in turn.preview


def test_what_was_decided_is_the_output_whoever_did_it() -> None:
    def approved(by: str, decision: str) -> str | None:
        log = Log().begin("ok", "approval").add(EventType.APPROVAL_REQUESTED, "ok", approval=by)
        log.add(EventType.APPROVAL_DECIDED, "ok", decision=decision, comment="", by=by, approval=by)
        step = log.end("ok", output=f"{decision}, by {by}").summary().steps["ok"]
        assert step.status == "completed"
        return step.output

    assert approved("ann", "approve") == approved("bob", "approve") != approved("ann", "reject")


@pytest.mark.parametrize(("decision", "status"), [("retry", "running"), ("fail", "failed")])
def test_what_becomes_of_a_failed_step_is_decided(decision: str, status: str) -> None:
    log = Log().begin("a").fail("a").add(EventType.APPROVAL_REQUESTED, "a", kind="failure")
    assert log.summary().steps["a"].status == "waiting"
    log.add(EventType.APPROVAL_DECIDED, "a", decision=decision)
    step = log.summary().steps["a"]
    assert (step.status, step.error) == (status, "platform_failed")
    if decision == "retry":
        step = log.call("a", "x", "yes").end("a").summary().steps["a"]
        assert (step.status, step.error, step.preview) == ("completed", None, "yes")


def test_a_pause_is_waited_for_before_a_call() -> None:
    log = Log().begin("talk", "group_chat").add(EventType.SPEAKER_CHOSEN, "talk/turn[1]", "ann")
    log.add(EventType.STEP_WAITING, "talk/turn[1]", "ann", call="talk/turn[1]#0", **{"for": "resume"})
    assert log.summary().steps["talk/turn[1]"].status == "waiting"
    assert log.call("talk/turn[1]", "ann", "hello").summary().steps["talk/turn[1]"].status == "completed"
    log = Log().begin("a").add(EventType.STEP_WAITING, "a", **{"for": "resume"})
    log.add(EventType.CALL_STARTED, "a", "x", call="a#0")
    assert log.summary().steps["a"].status == "running"


def test_the_time_that_was_waited_for_is_no_output() -> None:
    log = Log().begin("w", "wait").add(EventType.STEP_WAITING, "w", until="2026-01-02T00:00:00Z", **{"for": "time"})
    assert log.summary().steps["w"].status == "waiting"
    step = log.end("w", output="waited until 2026-01-02T00:00:00Z").summary().steps["w"]
    assert (step.status, step.output, step.seconds) == ("completed", None, 2)


def test_a_call_that_ends_after_its_step_was_canceled_changes_nothing() -> None:
    log = Log().begin("a").add(EventType.CALL_STARTED, "a", "x", call="a#0").add(EventType.STEP_CANCELED, "a")
    log.add(EventType.CALL_FAILED, "a", "x", call="a#0", error=ERROR)
    assert log.summary().steps["a"].status == "canceled"


def test_an_answer_that_did_not_fit_was_paid_for_too() -> None:
    usage = {"model_calls": 1, "tokens_in": 1, "tokens_out": 1, "cost_usd": "1"}
    log = Log().begin("a").add(EventType.CALL_REJECTED, "a", "x", call="a#0", usage=usage, request="0", value="Hm.")
    step = log.answer("a", "x", {"n": 1}, call="a#1").end("a").summary().steps["a"]
    assert (step.usage.model_calls, list(step.requests), step.status) == (2, ["a#0", "a#1"], "completed")


def test_an_output_that_a_fork_gave() -> None:
    log = Log().add(EventType.STEP_EVALUATED, "a", source="given by the fork", value={"n": 1})
    log.events[-1] = log.events[-1].model_copy(update={"id": given_id("a")})
    assert log.summary().steps == {}
    step = log.begin("a").add(EventType.STEP_COMPLETED, "a", edited=True).summary().steps["a"]
    assert (step.status, step.edited, step.preview, step.seconds) == ("completed", True, '{"n": 1}', 1)


def test_what_runs_when_the_execution_ends_is_canceled() -> None:
    log = Log().begin("a").add(EventType.STEP_WAITING, "a")
    assert log.summary().steps["a"].status == "waiting"
    assert log.add(EventType.EXECUTION_CANCELED).summary().steps["a"].status == "canceled"


@pytest.mark.parametrize(
    ("type", "status"), [(EventType.STEP_SKIPPED, "skipped"), (EventType.STEP_CANCELED, "canceled")]
)
def test_other_ends(type: EventType, status: str) -> None:
    assert Log().begin("a").add(type, "a").summary().steps["a"].status == status


def test_an_output_that_is_an_artifact_is_told_by_its_name() -> None:
    log = Log().begin("a").add(EventType.CALL_COMPLETED, "a", "x", artifact="f" * 64, call="a#0", request="r")
    step = log.end("a", output="the beginning").summary().steps["a"]
    assert (step.output, step.artifact, step.preview) == ("f" * 64, "f" * 64, "")


def test_reused_answers_are_counted_and_cost_nothing() -> None:
    free = {"model_calls": 0, "tokens_in": 0, "tokens_out": 0, "cost_usd": "0"}
    step = Log().begin("a").answer("a", "x", "yes", usage=free, reused_from="e1").summary().steps["a"]
    assert (step.reused, step.attempts, step.usage.model_calls) == (1, 0, 0)


def test_what_is_of_no_step_makes_no_row() -> None:
    log = Log().add(EventType.EXECUTION_STARTED).begin("l", "loop").add(EventType.LOOP_ROUND, "l/round[1]")
    assert list(log.summary().steps) == ["l"]


def test_the_whole_is_summed_up_and_a_log_may_come_in_pages() -> None:
    log = Log().agent_step("a", "x", "1").agent_step("b", "x", "2")
    reader = LogReader()
    for event in log.events:
        reader.read([event])
    assert reader.summary() == log.summary()
    assert (log.summary().usage.model_calls, log.summary().usage.cost_usd, log.summary().seconds) == (
        2,
        Decimal("0.02"),
        7,
    )
    assert LogReader().summary().seconds == 0
