"""A failed step that a human has tried again: it runs from its beginning, and what was canceled in it runs, too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from domain.approvals import Approval
from domain.executions import Status
from services.models.base import ModelRequest
from tests.orchestrators.bench import TENANT
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import Answer, unreachable

ONCE = {"attempts": 1}
ASK: dict[str, Any] = {"on_error": {"ask": {}}}


def agent(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "agent": "a", "input": id, "retry": ONCE, **more}


def fails_at_first(desk: Desk, step: str) -> None:
    """The first call of that step in `s` fails; all others answer what they were asked."""

    def script(request: ModelRequest) -> Answer:
        asked = request.messages[-1]["content"]
        return unreachable() if asked == step and desk.bench.model.keys[f"s/{step}#0"] == 1 else asked

    desk.bench.model._script = script


async def about_failure(desk: Desk, id: str) -> Approval:
    """The question about a failure, beside others that may be open."""
    await desk.until_logged(id, "step.failed")

    async def asked() -> bool:
        return any(one.kind == "failure" for one in await desk.bench.services.approvals.pending_of(TENANT, id))

    await desk.bench.until(asked)
    return next(one for one in await desk.bench.services.approvals.pending_of(TENANT, id) if one.kind == "failure")


async def test_a_step_that_took_too_long_is_asked_about_and_tried_again(desk: Desk) -> None:
    gate = desk.bench.model.gate("slow#")
    id = await desk.bench.begin({"steps": [agent("slow", timeout="PT1M", **ASK)]})
    await desk.bench.model.until(lambda: desk.bench.model.keys["slow#0"] == 1)
    await desk.passes(id, timedelta(minutes=1))
    question = await about_failure(desk, id)
    gate.set()
    assert await desk.decide(question, "retry")
    record = await desk.bench.ended(id)
    assert record.status is Status.COMPLETED
    assert desk.bench.model.keys["slow#0"] == 2


async def test_the_step_in_it_that_failed_runs_again_and_the_finished_one_is_not_paid_again(desk: Desk) -> None:
    fails_at_first(desk, "two")
    steps = [{"id": "s", "sequential": [agent("one"), agent("two"), agent("three")], **ASK}]
    id = await desk.bench.begin({"steps": steps, "output": "${steps.one.output} ${steps.two.output}"})
    await desk.decide(await about_failure(desk, id), "retry")
    record = await desk.bench.ended(id)
    assert record.output == "one two"
    assert dict(desk.bench.model.keys) == {"s/one#0": 1, "s/two#0": 2, "s/three#0": 1}


async def test_losers_and_withdrawn_questions_of_a_join_that_was_not_met_are_there_again(desk: Desk) -> None:
    fails_at_first(desk, "bad")
    slow = desk.bench.model.gate("slow#")
    branches = [agent("bad"), agent("slow"), {"id": "ok", "approval": {"ask": "Go on?", "deadline": "P1D"}}]
    step = {"id": "s", "concurrent": {"branches": branches, "join": {"at_least": 3}}, **ASK}
    id = await desk.bench.begin({"steps": [step]})
    question = await about_failure(desk, id)
    slow.set()
    await desk.decide(question, "retry")
    await desk.bench.model.until(lambda: desk.bench.model.keys["s/bad#0"] == 2)

    async def asked_again() -> bool:
        return bool(await desk.bench.services.approvals.pending_of(TENANT, id))

    await desk.bench.until(asked_again)
    [again] = await desk.bench.services.approvals.pending_of(TENANT, id)
    assert await desk.decide(again, "approve")
    record = await desk.bench.ended(id)
    assert (record.output["bad"], record.output["slow"], record.output["ok"]["approved"]) == ("bad", "slow", True)


async def test_it_waits_for_a_loser_that_was_left_so_that_no_call_is_made_twice_at_once(desk: Desk) -> None:
    fails_at_first(desk, "bad")
    slow = desk.bench.model.gate("slow#")
    join = {"at_least": 2, "losers": "leave"}
    id = await desk.bench.begin(
        {"steps": [{"id": "s", "concurrent": {"branches": [agent("bad"), agent("slow")], "join": join}, **ASK}]}
    )
    await desk.decide(await about_failure(desk, id), "retry")
    await desk.until_logged(id, "approval.decided")
    assert dict(desk.bench.model.keys) == {"s/bad#0": 1, "s/slow#0": 1}
    slow.set()
    record = await desk.bench.ended(id)
    assert record.output == {"bad": "bad", "slow": "slow"}
    assert dict(desk.bench.model.keys) == {"s/bad#0": 2, "s/slow#0": 1}


async def test_a_cancel_while_a_failure_is_asked_about(desk: Desk) -> None:
    desk.bench.model._script = lambda request: unreachable()
    id = await desk.bench.begin({"steps": [agent("s", **ASK)]})
    await about_failure(desk, id)
    await desk.cancel(id)
    record = await desk.bench.ended(id)
    assert record.status is Status.CANCELED
    canceled = [event.step for event in await desk.bench.log(id) if event.type == "step.canceled"]
    assert canceled == ["s"]


async def test_an_event_that_others_wait_for_does_not_shorten_the_wait_before_another_try(desk: Desk) -> None:
    model = desk.bench.model
    model._script = lambda request: unreachable() if len(model.asked) == 1 else "at last"
    id = await desk.bench.begin({"steps": [agent("s", retry={"first_delay": "PT1H"})]})
    await desk.until_logged(id, "call.failed")
    await desk.bench.timers(id, 1)
    await desk.send(id, "something")
    await desk.bench.timers(id, 2)  # it has looked, and waits again
    assert model.keys["s#0"] == 1
    await desk.passes(id, timedelta(hours=1), timers=2)
    assert (await desk.bench.ended(id)).output == "at last"
