"""What waits (humans, events, time) and what is asked of an execution meanwhile: over the real engine and stores."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.approvals import State
from domain.errors import Code
from domain.executions import Status
from tests.orchestrators.bench import TENANT
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import unreachable

ONCE = {"attempts": 1}


def approval(**more: Any) -> dict[str, Any]:
    return {"id": "ok", "approval": {"ask": "Publish ${input}?", "show": "${input}", **more}}


class TestApproval:
    @pytest.mark.parametrize(("decision", "approved"), [("approve", True), ("reject", False)])
    async def test_a_human_decides(self, desk: Desk, decision: str, approved: bool) -> None:
        id = await desk.bench.begin({"steps": [approval()]}, "it")
        question = await desk.question(id)
        assert (question.ask, question.show, question.roles, question.step) == (
            "Publish it?",
            "it",
            ("operator",),
            "ok",
        )
        assert await desk.decide(question, decision, comment="fine")
        record = await desk.bench.ended(id)
        assert (record.output["approved"], record.output["by"], record.output["comment"]) == (approved, "ann", "fine")
        event = next(event for event in await desk.bench.log(id) if event.type == "approval.decided")
        assert (event.data["by"], event.data["how"]) == ("ann", "decided")

    @pytest.mark.parametrize(("otherwise", "approved"), [("approve", True), ("reject", False)])
    async def test_the_deadline_decides(self, desk: Desk, otherwise: str, approved: bool) -> None:
        id = await desk.bench.begin({"steps": [approval(deadline="PT1H", otherwise=otherwise)]}, "it")
        question = await desk.question(id)
        await desk.passes(id, timedelta(hours=1))
        record = await desk.bench.ended(id)
        assert (record.output["approved"], record.output["by"]) == (approved, None)
        assert not await desk.decide(question, "approve")
        settled = await desk.bench.services.approvals.get(TENANT, question.id)
        assert settled is not None
        assert settled.state is State.EXPIRED

    async def test_a_deadline_may_fail_the_step(self, desk: Desk) -> None:
        id = await desk.bench.begin({"steps": [approval(deadline="PT1H", otherwise="fail")]}, "it")
        await desk.passes(id, timedelta(hours=1))
        record = await desk.bench.ended(id)
        assert record.error is not None
        assert record.error.code is Code.NOBODY_ANSWERED

    async def test_it_escalates_once_and_then_expires(self, desk: Desk) -> None:
        escalate = {"after": "PT1H", "roles": ["admin"]}
        id = await desk.bench.begin({"steps": [approval(deadline="PT2H", escalate=escalate)]}, "it")
        await desk.passes(id, timedelta(hours=1))
        await desk.until_logged(id, "approval.escalated")
        [question] = await desk.bench.services.approvals.pending_of(TENANT, id)
        assert question.roles == ("operator", "admin")
        await desk.passes(id, timedelta(hours=1), timers=2)
        assert (await desk.bench.ended(id)).output["approved"] is False

    async def test_after_a_failure_a_human_says_what_to_do(self, desk: Desk) -> None:
        model = desk.bench.model
        model._script = lambda request: unreachable() if len(model.asked) < 2 else "at last"
        step = {"id": "a", "agent": "x", "retry": ONCE, "on_error": {"ask": {"otherwise": "fail"}}}
        id = await desk.bench.begin({"steps": [step]})
        question = await desk.question(id)
        assert (question.kind, question.options) == ("failure", ("retry", "skip", "fail"))
        await desk.decide(question, "retry")
        assert (await desk.bench.ended(id)).output == "at last"

    async def test_a_second_failure_is_logged_and_asked_about_too(self, desk: Desk) -> None:
        desk.bench.model._script = lambda request: unreachable()
        step = {"id": "a", "agent": "x", "retry": ONCE, "on_error": {"ask": {}}}
        id = await desk.bench.begin({"steps": [step]})
        await desk.decide(await desk.question(id), "retry")
        await desk.until_logged(id, "approval.requested", 2)
        await desk.decide(await desk.question(id), "fail")
        assert (await desk.bench.ended(id)).status is Status.FAILED
        assert [type for type, _ in await desk.bench.types(id)].count("step.failed") == 2

    @pytest.mark.parametrize(("decision", "status"), [("skip", Status.COMPLETED), ("fail", Status.FAILED)])
    async def test_or_skips_it_or_lets_it_fail(self, desk: Desk, decision: str, status: Status) -> None:
        desk.bench.model._script = lambda request: unreachable()
        step = {"id": "a", "agent": "x", "retry": ONCE, "on_error": {"ask": {}}}
        id = await desk.bench.begin({"steps": [step]})
        await desk.decide(await desk.question(id), decision)
        assert (await desk.bench.ended(id)).status is status


class TestWait:
    async def test_for_so_long(self, desk: Desk) -> None:
        id = await desk.bench.begin({"steps": [{"id": "w", "wait": {"for": "PT3H"}}, {"id": "a", "agent": "x"}]})
        await desk.until_logged(id, "step.waiting")
        await desk.passes(id, timedelta(hours=3))
        assert (await desk.bench.ended(id)).output == "answer 1"

    async def test_for_longer_than_one_timer_can(self, desk: Desk) -> None:
        id = await desk.bench.begin({"steps": [{"id": "w", "wait": {"for": "P7D"}}]})
        for timers in (1, 2, 3):
            await desk.passes(id, timedelta(days=3), timers)
        assert (await desk.bench.ended(id)).status is Status.COMPLETED

    async def test_until_a_time(self, desk: Desk) -> None:
        steps = [{"id": "w", "wait": {"until": "${input.at}"}}]
        id = await desk.bench.begin({"steps": steps}, {"at": "2026-01-01T05:00:00Z"})
        await desk.passes(id, timedelta(hours=5))
        assert (await desk.bench.ended(id)).status is Status.COMPLETED
        record = await desk.bench.run({"steps": steps}, {"at": "soon"})
        assert record.error is not None
        assert record.error.code is Code.EXPRESSION_FAILED

    @pytest.mark.parametrize("early", [True, False])
    async def test_for_an_event_that_comes_before_or_after(self, desk: Desk, early: bool) -> None:
        first = desk.bench.model.gate("a#")
        steps = [{"id": "a", "agent": "x"}, {"id": "w", "wait": {"event": "go"}}]
        id = await desk.bench.begin({"steps": steps})
        if early:
            await desk.send(id, "go", {"n": 1})
            first.set()
        else:
            first.set()
            await desk.until_logged(id, "step.waiting")
            await desk.send(id, "other", 5)
            await desk.send(id, "go", {"n": 1})
        assert (await desk.bench.ended(id)).output == {"n": 1}

    async def test_an_event_that_does_not_come_in_time(self, desk: Desk) -> None:
        wait = {"event": "go", "within": "PT1H"}
        id = await desk.bench.begin({"steps": [{"id": "w", "wait": wait}]})
        await desk.passes(id, timedelta(hours=1))
        record = await desk.bench.ended(id)
        assert record.error is not None
        assert record.error.code is Code.TIMEOUT
        id = await desk.bench.begin({"steps": [{"id": "w", "wait": {**wait, "otherwise": {"fallback": "none"}}}]})
        await desk.passes(id, timedelta(hours=1))
        assert (await desk.bench.ended(id)).output == "none"

    async def test_two_that_wait_for_the_same_get_one_each(self, desk: Desk) -> None:
        branches = [{"id": id, "wait": {"event": "go"}} for id in ("one", "two")]
        id = await desk.bench.begin({"steps": [{"id": "all", "concurrent": branches}]})
        await desk.until_logged(id, "step.waiting", 2)
        await desk.send(id, "go", 1)
        await desk.send(id, "go", 2)
        output = (await desk.bench.ended(id)).output
        assert sorted(output.values()) == [1, 2]


class TestTimeout:
    async def test_a_step_that_takes_too_long_fails_and_is_broken_off(self, desk: Desk) -> None:
        desk.bench.model.gate("slow#")
        steps = [{"id": "slow", "agent": "x", "timeout": "PT1M", "on_error": "skip"}, {"id": "a", "agent": "x"}]
        id = await desk.bench.begin({"steps": steps})
        await desk.bench.model.until(lambda: len(desk.bench.model.asked) == 1)
        await desk.passes(id, timedelta(minutes=1))
        record = await desk.bench.ended(id)
        assert record.status is Status.COMPLETED
        failed = next(event for event in await desk.bench.log(id) if event.type == "step.failed")
        assert failed.data["error"]["code"] == Code.TIMEOUT
        assert (await desk.bench.log(id))[-1].type == "execution.completed"

    async def test_the_whole_execution_has_a_limit_too(self, desk: Desk) -> None:
        definition = {"limits": {"duration": "PT2H"}, "steps": [approval()]}
        id = await desk.bench.begin(definition, "it")
        question = await desk.question(id)
        await desk.passes(id, timedelta(hours=2))
        record = await desk.bench.ended(id)
        assert record.error is not None
        assert record.error.code is Code.TIMEOUT
        settled = await desk.bench.services.approvals.get(TENANT, question.id)
        assert settled is not None
        assert settled.state is State.WITHDRAWN

    async def test_a_default_is_for_calls_alone(self, desk: Desk) -> None:
        desk.bench.model.gate("slow#")
        definition = {"defaults": {"timeout": "PT1M"}, "steps": [{"id": "slow", "agent": "x"}]}
        id = await desk.bench.begin(definition)
        await desk.passes(id, timedelta(minutes=1))
        record = await desk.bench.ended(id)
        assert record.error is not None
        assert record.error.code is Code.TIMEOUT


class TestPause:
    async def test_nothing_begins_until_it_is_resumed(self, desk: Desk) -> None:
        gate = desk.bench.model.gate("a#")
        id = await desk.bench.begin({"steps": [{"id": "a", "agent": "x"}, {"id": "b", "agent": "x"}]})
        await desk.bench.model.until(lambda: len(desk.bench.model.asked) == 1)
        await desk.pause(id)
        gate.set()
        await desk.until_logged(id, "step.waiting")
        assert (desk.bench.model.keys["a#0"], desk.bench.model.keys["b#0"]) == (1, 0)
        assert (await desk.record(id)).status is Status.PAUSED
        await desk.resume(id)
        record = await desk.bench.ended(id)
        assert (record.output, record.status) == ("answer 2", Status.COMPLETED)

    async def test_again_and_again_in_children_and_branches(self, desk: Desk) -> None:
        chat = {"participants": ["p", "q"], "task": "Talk.", "until": {"any": [{"turns": 4}]}}
        branches = [{"id": "talk", "group_chat": chat}, {"id": "b", "sequential": [{"id": "c", "agent": "x"}]}]
        end = desk.bench.model.gate("turn[4]#")
        id = await desk.bench.begin({"steps": [{"id": "all", "concurrent": branches}]})
        for _ in range(3):
            await desk.pause(id)
            await desk.resume(id)
        end.set()
        record = await desk.bench.ended(id)
        assert record.status is Status.COMPLETED
        assert set(desk.bench.model.keys.values()) == {1}

    async def test_the_end_itself_waits(self, desk: Desk) -> None:
        gate = desk.bench.model.gate("a#")
        id = await desk.bench.begin({"steps": [{"id": "a", "agent": "x"}]})
        await desk.bench.model.until(lambda: len(desk.bench.model.asked) == 1)
        await desk.pause(id)
        gate.set()
        await desk.until_logged(id, "call.completed")
        await desk.bench.until(lambda: desk.bench.waits(id))
        assert (await desk.record(id)).status is Status.PAUSED
        await desk.resume(id)
        assert (await desk.bench.ended(id)).output == "answer 1"


class TestCancel:
    async def test_a_call_under_way_is_broken_off_and_what_it_said_is_kept(self, desk: Desk) -> None:
        desk.bench.model.says_first = "so far "
        desk.bench.model.gate("a#")
        id = await desk.bench.begin({"steps": [{"id": "a", "agent": "x"}, {"id": "b", "agent": "x"}]})
        await desk.bench.model.until(lambda: len(desk.bench.model.asked) == 1)
        await desk.cancel(id)
        record = await desk.bench.ended(id)
        assert record.status is Status.CANCELED
        log = await desk.bench.log(id)
        failed = next(event for event in log if event.type == "call.failed")
        assert (failed.value, failed.data["partial"], failed.data["error"]["code"]) == ("so far ", True, "canceled")
        assert log[-1].type == "execution.canceled"
        assert desk.bench.model.keys["b#0"] == 0
        assert (await desk.bench.instance_ended(id)).runtime_status == "Completed"

    @pytest.mark.parametrize(
        "step",
        [
            {"id": "w", "wait": {"for": "P1D"}},
            {"id": "w", "wait": {"event": "go"}},
            {"id": "w", "approval": {"ask": "?"}},
            {"id": "w", "agent": "x", "retry": {"first_delay": "PT1H", "max_delay": "PT1H"}},
            {"id": "w", "loop": {"most": 3, "until": "false", "steps": [{"id": "in", "wait": {"for": "P1D"}}]}},
            {"id": "w", "concurrent": [{"id": "x", "approval": {"ask": "?"}}, {"id": "y", "wait": {"for": "P1D"}}]},
            {"id": "w", "timeout": "P1D", "wait": {"event": "go"}},
        ],
        ids=["time", "event", "approval", "retry", "loop", "branches", "timeout"],
    )
    async def test_what_waits_ends_at_once(self, desk: Desk, step: dict[str, Any]) -> None:
        desk.bench.model._script = lambda request: unreachable()
        id = await desk.bench.begin({"steps": [step, {"id": "after", "agent": "x"}]})
        await desk.bench.until(lambda: desk.bench.waits(id))
        await desk.cancel(id)
        record = await desk.bench.ended(id)
        assert record.status is Status.CANCELED
        assert await desk.bench.services.approvals.pending_of(TENANT, id) == []
        assert desk.bench.model.keys["after#0"] == 0

    async def test_while_it_is_paused(self, desk: Desk) -> None:
        gate = desk.bench.model.gate("a#")
        id = await desk.bench.begin({"steps": [{"id": "a", "agent": "x"}, {"id": "b", "agent": "x"}]})
        await desk.bench.model.until(lambda: len(desk.bench.model.asked) == 1)
        await desk.pause(id)
        gate.set()
        await desk.until_logged(id, "step.waiting")
        await desk.cancel(id)
        assert (await desk.bench.ended(id)).status is Status.CANCELED
        assert desk.bench.model.keys["b#0"] == 0

    async def test_what_a_join_ends_is_woken_too(self, desk: Desk) -> None:
        loop = {"most": 3, "until": "false", "steps": [{"id": "deep", "approval": {"ask": "?"}}]}
        branches = [{"id": "l", "loop": loop}, {"id": "w", "wait": {"event": "go"}}, {"id": "a", "agent": "x"}]
        gate = desk.bench.model.gate("a#")
        definition = {"steps": [{"id": "all", "concurrent": {"join": "any", "branches": branches}}]}
        id = await desk.bench.begin(definition)
        question = await desk.question(id)
        await desk.until_logged(id, "step.waiting")
        gate.set()
        record = await desk.bench.ended(id)
        assert record.output == {"l": None, "w": None, "a": "answer 1"}
        settled = await desk.bench.services.approvals.get(TENANT, question.id)
        assert settled is not None
        assert settled.state is State.WITHDRAWN
