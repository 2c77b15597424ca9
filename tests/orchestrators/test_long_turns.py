"""Turns of many tool calls: they go on in an orchestrator of their own, whose histories stay short."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.errors import Code
from domain.executions import Status
from orchestrators.calling import CALLS_PER_GENERATION
from tests.orchestrators.bench import TENANT, Bench
from tests.orchestrators.desk import Desk
from tests.orchestrators.test_agent_tools import ADD, begun, tool
from tests.support.scripted_model import Answer, calls, rejected, unreachable

ROUNDS = 45
LONG = {"max_rounds": 50}
TASK_SCHEDULED, SUB_ORCHESTRATION_CREATED = 4, 7


def script(bench: Bench, *last: Answer) -> None:
    """Asks for two tools in each of so many rounds, then says the rest; each in its turn."""
    bench.model._script = lambda request: (
        calls(ADD, ADD) if len(bench.model.asked) <= ROUNDS else last[len(bench.model.asked) - ROUNDS - 1]
    )


async def actions(bench: Bench, instance: str) -> int:
    status = await bench.engine.get_status(instance, show_history=True)
    assert status is not None
    begun = (TASK_SCHEDULED, SUB_ORCHESTRATION_CREATED)
    return sum(json.loads(event)["EventType"] in begun for event in status.history or ())


async def test_it_comes_to_its_end_with_short_histories(bench: Bench, registered: dict[str, Any]) -> None:
    script(bench, "done")
    record = await bench.ended(await begun(bench, x=LONG))
    assert (record.output, record.usage.model_calls, record.turns) == ("done", ROUNDS + 1, 1)
    assert sorted(registered["add"]) == sorted(f"{record.id}:s/tool[{n}]#0" for n in range(2 * ROUNDS))
    assert set(bench.model.keys.values()) == {1}
    assert len([one for one in bench.model.asked[-1].messages if one["role"] == "tool"]) == 2 * ROUNDS
    for instance in (record.id, f"{record.id}.s"):
        assert 0 < await actions(bench, instance) < CALLS_PER_GENERATION + 10


async def test_one_that_is_not_long_stays_where_it_is(bench: Bench, registered: dict[str, Any]) -> None:
    bench.model._script = lambda request: calls(ADD) if len(bench.model.asked) < 10 else "done"
    record = await bench.ended(await begun(bench, x=LONG))
    assert record.output == "done"
    assert await bench.engine.get_status(f"{record.id}.s") is None


async def test_what_it_costs_is_counted_once(bench: Bench, registered: dict[str, Any]) -> None:
    script(bench, "done", "y")
    chat = {
        "participants": ["x", "y"],
        "task": "Add.",
        "until": {"any": [{"turns": 2}, {"budget": {"model_calls": 99}}]},
    }
    record = await bench.ended(await begun(bench, step={"id": "c", "group_chat": chat}, x=LONG))
    assert record.usage.model_calls == ROUNDS + 2
    assert record.turns == 2


async def test_a_failure_late_in_it_is_asked_about_and_nothing_is_called_again(
    desk: Desk, registered: dict[str, Any]
) -> None:
    script(desk.bench, unreachable(), "done")
    step = {"id": "s", "agent": "x", "input": "Add.", "retry": {"attempts": 1}, "on_error": {"ask": {}}}
    id = await begun(desk.bench, step=step, x=LONG)
    await desk.decide(await desk.question(id), "retry")
    assert (await desk.bench.ended(id)).output == "done"
    assert len(registered["add"]) == 2 * ROUNDS
    assert sorted(desk.bench.model.keys.values()) == [*[1] * ROUNDS, 2]


@pytest.mark.parametrize("granted", [0, 1])
async def test_an_answer_that_cannot_be_used_is_asked_for_as_often_as_humans_say(
    desk: Desk, registered: dict[str, Any], granted: int
) -> None:
    script(desk.bench, rejected("no"), rejected("no"), *(["fine"] if granted else []))
    step = {"id": "s", "agent": "x", "input": "Add.", "on_error": {"ask": {}}}
    id = await begun(desk.bench, step=step, x=LONG)
    await desk.decide(await desk.question(id), "retry" if granted else "fail")
    record = await desk.bench.ended(id)
    assert (record.output, record.error and record.error.code) == (
        ("fine", None) if granted else (None, Code.MODEL_BAD_ANSWER)
    )
    assert len(registered["add"]) == 2 * ROUNDS


async def test_a_question_late_in_it_is_answered_and_a_cancel_ends_it(desk: Desk, registered: dict[str, Any]) -> None:
    bench = desk.bench
    bench.model._script = lambda request: (
        calls(("pay", {"a": 1, "b": 2})) if len(bench.model.asked) > ROUNDS else calls(ADD)
    )
    tools = {"add": tool(), "pay": tool("add", approval={}).model_copy(update={"name": "pay"})}
    id = await begun(bench, tools, x=LONG)
    question = await desk.question(id)
    assert question.step == f"s/tool[{ROUNDS}]"
    await desk.decide(question, "approve")
    await desk.until_logged(id, "approval.requested", 2)
    await desk.cancel(id)
    record = await bench.ended(id)
    assert record.status is Status.CANCELED
    assert len(registered["add"]) == ROUNDS + 1
    assert await bench.services.approvals.pending_of(TENANT, id) == []
