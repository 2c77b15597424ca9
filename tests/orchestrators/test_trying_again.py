"""A human says `retry`: everything under the failed step begins anew, but for what was finished."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.approvals import Approval, Kind
from domain.errors import Code
from domain.executions import Status
from domain.workflows import Workflow
from services.documents.sqlite import SqliteDocuments
from services.eventlog import partition_of
from tests.orchestrators.bench import TENANT, Bench
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import rejected, unreachable

ONCE = {"attempts": 1}
ASKS: dict[str, Any] = {"on_error": {"ask": {}}}


async def pending(desk: Desk, id: str, kind: Kind) -> Approval:
    """The one question that is open, once it is of this kind."""

    async def is_there() -> bool:
        return [one.kind for one in await desk.bench.services.approvals.pending_of(TENANT, id)] == [kind]

    await desk.bench.until(is_there)
    [question] = await desk.bench.services.approvals.pending_of(TENANT, id)
    return question


async def try_again(desk: Desk, id: str) -> None:
    question = await pending(desk, id, Kind.FAILURE)
    desk.clock.now += timedelta(seconds=1)
    await desk.decide(question, "retry")


async def test_what_a_join_had_canceled_in_it_runs_again(desk: Desk) -> None:
    model = desk.bench.model
    model._script = lambda request: unreachable() if len(model.asked) < 2 else "fine"
    branches = [{"id": "ok", "approval": {"ask": "?"}}, {"id": "a", "agent": "x", "retry": ONCE}]
    step = {"id": "c", **ASKS, "concurrent": {"join": {"at_least": 2}, "branches": branches}}
    id = await desk.bench.begin({"steps": [step]})
    await try_again(desk, id)
    await desk.decide(await pending(desk, id, Kind.APPROVAL), "approve")
    record = await desk.bench.ended(id)
    assert (record.status, record.output["a"], record.output["ok"]["approved"]) == (Status.COMPLETED, "fine", True)


async def test_a_deadline_that_says_retry_comes_to_an_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrators.interpreter.MOST_AGAIN", 2)
    desk.bench.model._script = lambda request: unreachable()
    asks = {"on_error": {"ask": {"deadline": "PT1H", "otherwise": "retry"}}}
    id = await desk.bench.begin({"steps": [{"id": "a", "agent": "x", "retry": ONCE, **asks}]})
    for number in (1, 2):
        await desk.until_logged(id, "approval.requested", number)
        await desk.passes(id, timedelta(hours=1), timers=number)
    record = await desk.bench.ended(id)
    assert (record.status, len(desk.bench.model.asked)) == (Status.FAILED, 3)


async def test_a_question_that_nobody_answered_in_time_is_asked_anew(desk: Desk) -> None:
    asked = {"ask": "?", "deadline": "PT1H", "otherwise": "fail"}
    id = await desk.bench.begin({"steps": [{"id": "ok", **ASKS, "approval": asked}]})
    await desk.question(id)
    await desk.passes(id, timedelta(hours=1))
    await try_again(desk, id)
    await desk.decide(await pending(desk, id, Kind.APPROVAL), "approve")
    assert (await desk.bench.ended(id)).output["approved"] is True


async def test_a_question_that_a_timeout_withdrew_is_asked_anew(desk: Desk) -> None:
    loop = {"most": 1, "until": "true", "steps": [{"id": "ok", "approval": {"ask": "?"}}]}
    id = await desk.bench.begin({"steps": [{"id": "l", **ASKS, "timeout": "PT1H", "loop": loop}]})
    await desk.question(id)
    await desk.passes(id, timedelta(hours=1))
    await try_again(desk, id)
    await desk.decide(await pending(desk, id, Kind.APPROVAL), "approve")
    assert (await desk.bench.ended(id)).output["approved"] is True


async def test_a_step_inside_that_was_given_up_is_asked_about_anew(desk: Desk) -> None:
    model = desk.bench.model
    model._script = lambda request: unreachable() if len(model.asked) < 3 else "fine"
    inner = {"id": "a", "agent": "x", "retry": ONCE, **ASKS}
    id = await desk.bench.begin({"steps": [{"id": "s", **ASKS, "sequential": [inner]}]})
    await desk.decide(await pending(desk, id, Kind.FAILURE), "fail")
    await desk.until_logged(id, "approval.requested", 2)
    await try_again(desk, id)
    await desk.until_logged(id, "approval.requested", 3)
    question = await pending(desk, id, Kind.FAILURE)
    assert question.step == "s/a"
    await desk.decide(question, "retry")
    assert (await desk.bench.ended(id)).output == "fine"


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a call is begun without being looked up, if nothing has happened since the call before."""
    monkeypatch.setattr(SqliteDocuments, "is_near", False)


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize("kind", ["sequential", "loop"])
async def test_what_was_finished_is_not_made_again_after_what_was_not(desk: Desk, kind: str) -> None:
    """The log has moved by nothing but the calls before, which are new, and yet the next one is old."""
    model = desk.bench.model
    model._script = lambda request: unreachable() if len(model.asked) in (1, 3) else "fine"
    new = [{"id": f"a{number}", "agent": "x", "retry": ONCE} for number in range(3)]
    old = [{"id": "c", "agent": "x"}, {"id": "d", "agent": "x", "retry": ONCE}]
    steps = [{"id": "new", "on_error": "skip", "sequential": new}, *old]
    inner = {"sequential": steps} if kind == "sequential" else {"loop": {"most": 1, "until": "true", "steps": steps}}
    id = await desk.bench.begin({"steps": [{"id": "s", **ASKS, **inner}]})
    await try_again(desk, id)
    assert (await desk.bench.ended(id)).status is Status.COMPLETED
    made = {key.rpartition("/")[2]: number for key, number in model.keys.items()}
    assert made == {"a0#0": 2, "a1#0": 1, "a2#0": 1, "c#0": 1, "d#0": 2}


@pytest.mark.usefixtures("far")
async def test_what_times_out_anew_is_heard_of_in_orchestrators_of_its_own(desk: Desk) -> None:
    """That it was canceled is in the log since the first time."""
    model = desk.bench.model
    gate = model.gate("turn[2]#")
    chat = {"participants": ["x", "y"], "task": "t", "until": {"any": [{"turns": 4}]}}
    talk = {"id": "c", "timeout": "PT1H", "group_chat": chat}
    loop = {"most": 1, "until": "true", "steps": [talk]}
    id = await desk.bench.begin({"steps": [{"id": "l", **ASKS, "loop": loop}]})
    await model.until(lambda: len(model.asked) == 2)
    await desk.passes(id, timedelta(hours=1), instance=f"{id}.l")
    question = await pending(desk, id, Kind.FAILURE)
    desk.clock.now += timedelta(seconds=1)
    await desk.decide(question, "retry")
    await model.until(lambda: len(model.asked) == 3)
    await desk.passes(id, timedelta(hours=1), instance=f"{id}.l~1")
    gate.set()
    await desk.decide(await pending(desk, id, Kind.FAILURE), "fail")
    assert (await desk.bench.ended(id)).status is Status.FAILED
    assert len(model.asked) == 3


@pytest.mark.parametrize("code", [Code.MODEL_BAD_ANSWER, Code.MODEL_CUT_OFF])
async def test_an_answer_that_could_not_be_used_is_asked_for_anew(desk: Desk, code: Code) -> None:
    model, bad = desk.bench.model, 2 if code is Code.MODEL_BAD_ANSWER else 1
    model._script = lambda request: rejected("five", code) if len(model.asked) <= 2 * bad else "fine"
    loop = {"most": 1, "until": "true", "steps": [{"id": "a", "agent": "x", "retry": ONCE}]}
    id = await desk.bench.begin({"steps": [{"id": "l", **ASKS, "loop": loop}]})
    await try_again(desk, id)
    await desk.until_logged(id, "approval.requested", 2)
    await try_again(desk, id)
    record = await desk.bench.ended(id)
    assert record.output == "fine"
    assert set(model.keys.values()) == {1}


@pytest.mark.parametrize("code", [Code.MODEL_BAD_ANSWER, Code.MODEL_CUT_OFF])
async def test_so_does_a_retry_of_the_execution(bench: Bench, code: Code) -> None:
    bad = 2 if code is Code.MODEL_BAD_ANSWER else 1
    bench.model._script = lambda request: rejected("five", code) if len(bench.model.asked) <= bad else "fine"
    definition = {"steps": [{"id": "a", "agent": "x", "retry": ONCE}]}
    failed = await bench.run(definition)
    assert failed.status is Status.FAILED
    assert (await bench.ended(await bench.begin(definition, retry_of=failed.id))).output == "fine"


async def test_a_question_about_a_failure_is_withdrawn_with_what_it_is_part_of(desk: Desk) -> None:
    desk.bench.model._script = lambda request: unreachable()
    inner = {"id": "a", "agent": "x", "retry": ONCE, **ASKS}
    other = Workflow.model_validate({"name": "other", "steps": [inner]})
    step = {"id": "s", "workflow": "other", "input": {}, "timeout": "PT1H", "on_error": "skip"}
    id = await desk.bench.begin({"steps": [step]}, workflows={"other": other})
    await pending(desk, id, Kind.FAILURE)
    await desk.passes(id, timedelta(hours=1))
    assert (await desk.bench.ended(id)).status is Status.COMPLETED
    assert await desk.bench.services.approvals.pending_of(TENANT, id) == []
    assert not any("broke the interpreter" in str(event.data) for event in await desk.bench.log(id))


async def test_what_goes_in_and_what_comes_out_of_a_workflow_are_told_apart(bench: Bench) -> None:
    """Both are too large to travel inline, and are evaluated as the second action of their orchestrators."""
    bench.model._script = lambda request: f"{len(bench.model.asked)}" * 3000
    steps = [{"id": "b", "agent": "x", "input": "hi"}]
    other = Workflow.model_validate({"name": "other", "steps": steps, "output": "${steps.b.output}"})
    outer = [{"id": "a", "agent": "x"}, {"id": "s", "workflow": "other", "input": {"in": "${steps.a.output}"}}]
    record = await bench.run_with({"steps": outer}, {"other": other}, "in")
    assert record.output == "2" * 3000


async def test_what_waited_leaves_no_note_behind(desk: Desk) -> None:
    """Every change wakes all that wait: notes of what is over would make each round of a loop dearer than the last."""
    rounds = 10
    steps = [{"id": "w", "wait": {"event": "go"}}, {"id": "ok", "approval": {"ask": "?"}}]
    id = await desk.bench.begin({"steps": [{"id": "l", "loop": {"most": rounds, "until": "false", "steps": steps}}]})
    for _ in range(rounds):
        await desk.send(id, "go")
        await desk.decide(await pending(desk, id, Kind.APPROVAL), "approve")
    await desk.bench.ended(id)
    found, _ = await desk.bench.services.documents.query(partition_of(TENANT, id), where={"kind": "waiting"})
    assert found == []
