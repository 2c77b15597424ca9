"""The tool step: over the real engine and stores."""

from __future__ import annotations

from typing import Any

import pytest

from domain.approvals import Kind
from domain.errors import Code
from domain.tools import Tool
from tests.orchestrators.bench import TENANT, Bench
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import unreachable

ONCE = {"attempts": 1}


def tool(function: str, **more: Any) -> Tool:
    return Tool.model_validate({"name": function, "function": function, **more})


async def cut_off(desk: Desk, more: dict[str, Any]) -> str:
    """An execution whose call of `add` was begun by a process that died then."""
    step = {"id": "t", "tool": "add", "arguments": {"a": 1, "b": 2}, **more}
    id = await desk.bench.begin({"steps": [{"id": "w", "wait": {"event": "go"}}, step]}, tools={"add": tool("add")})
    await desk.bench.until(lambda: desk.bench.waits(id))
    await desk.bench.services.ledger.begin(TENANT, id, "t#0", 1, [])
    await desk.send(id, "go")
    return id


class TestTool:
    NUMBERS = {  # noqa: RUF012
        "type": "object", "required": ["a", "b"], "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    }  # fmt: skip

    async def test_a_function_is_called_with_what_the_templates_give(
        self, bench: Bench, registered: dict[str, Any]
    ) -> None:
        step = {"id": "t", "tool": "add", "arguments": {"a": "${input.n}", "b": 2}}
        id = await bench.begin({"steps": [step]}, {"n": 40}, tools={"add": tool("add", input=self.NUMBERS)})
        record = await bench.ended(id)
        assert record.output == {"sum": 42}
        assert registered["add"] == [f"{id}:t#0"]
        assert (record.usage.model_calls, record.turns) == (0, 0)
        completed = next(event for event in await bench.log(id) if event.type == "call.completed")
        assert completed.data["tool"] == "add"

    async def test_what_it_does_not_take_is_refused_unsent(self, bench: Bench, registered: dict[str, Any]) -> None:
        step = {"id": "t", "tool": "add", "arguments": {"a": "x", "b": 2}}
        record = await bench.ended(await bench.begin({"steps": [step]}, tools={"add": tool("add", input=self.NUMBERS)}))
        assert record.error is not None
        assert record.error.code is Code.TOOL_REFUSED
        assert "/a" in record.error.message
        assert registered["add"] == []

    async def test_a_failure_is_tried_again(self, bench: Bench, registered: dict[str, Any]) -> None:
        step = {"id": "t", "tool": "flaky", "retry": {"attempts": 4, "first_delay": "PT0.001S"}}
        record = await bench.ended(
            await bench.begin({"steps": [step]}, tools={"flaky": tool("flaky", delivery="at_least_once")})
        )
        assert (record.output, len(registered["flaky"])) == ("done", 3)

    @pytest.mark.parametrize("delivery", ["at_least_once", "idempotent"])
    async def test_a_call_that_a_crash_cut_off(self, bench: Bench, registered: dict[str, Any], delivery: str) -> None:
        step = {"id": "t", "tool": "add", "arguments": {"a": 1, "b": 2}, "when": "input == 'go'"}
        made = tool("add", delivery=delivery)
        id = await bench.begin({"steps": [{"id": "w", "wait": {"event": "go"}}, step]}, "go", tools={"add": made})
        await bench.until(lambda: bench.waits(id))
        await bench.services.ledger.begin("t1", id, "t#0", 1, [])  # begun, and then the process died
        await bench.send(id, "go")
        record = await bench.ended(id)
        assert len(registered["add"]) == 1
        assert record.output == {"sum": 3}

    @pytest.mark.parametrize(
        ("decision", "comment", "output", "made"),
        [
            ("call_again", "it never arrived", {"sum": 3}, 1),
            ("carried_out", '{"sum": 4}', {"sum": 4}, 0),
            ("carried_out", "it said four", "it said four", 0),
        ],
    )
    async def test_a_human_says_what_became_of_one_that_may_not_be_repeated(
        self, desk: Desk, registered: dict[str, Any], decision: str, comment: str, output: Any, made: int
    ) -> None:
        id = await cut_off(desk, {})
        question = await desk.question(id)
        assert (question.kind, question.options) == (Kind.UNCERTAIN, ("carried_out", "call_again", "fail"))
        assert registered["add"] == []
        await desk.decide(question, decision, comment=comment)
        assert (await desk.bench.ended(id)).output == output
        assert registered["add"] == [f"{id}:t#0"] * made

    async def test_one_that_nobody_knows_of_fails(self, desk: Desk, registered: dict[str, Any]) -> None:
        id = await cut_off(desk, {})
        await desk.decide(await desk.question(id), "fail")
        record = await desk.bench.ended(id)
        assert record.error is not None
        assert record.error.code is Code.TOOL_UNCERTAIN
        assert registered["add"] == []

    async def test_it_is_asked_again_when_the_second_call_is_cut_off_too(
        self, desk: Desk, registered: dict[str, Any]
    ) -> None:
        id = await cut_off(desk, {})
        question = await desk.question(id)
        await desk.bench.services.ledger.begin(TENANT, id, "t#0", 2, [])  # as a second process that died would have
        await desk.decide(question, "call_again")
        await desk.until_logged(id, "approval.requested", 2)
        [again] = await desk.bench.services.approvals.pending_of(TENANT, id)
        assert registered["add"] == []
        await desk.decide(again, "call_again")
        assert (await desk.bench.ended(id)).output == {"sum": 3}

    async def test_a_step_that_is_tried_again_makes_a_call_of_its_own(
        self, desk: Desk, registered: dict[str, Any]
    ) -> None:
        id = await cut_off(desk, {"on_error": {"ask": {}}})
        await desk.decide(await desk.question(id), "fail")
        await desk.until_logged(id, "approval.requested", 2)
        [failure] = await desk.bench.services.approvals.pending_of(TENANT, id)
        await desk.decide(failure, "retry", comment="it never arrived")
        assert (await desk.bench.ended(id)).output == {"sum": 3}
        assert registered["add"] == [f"{id}:t#1"]

    async def test_a_retry_does_not_call_what_has_answered(self, bench: Bench, registered: dict[str, Any]) -> None:
        bench.model._script = lambda request: unreachable()
        steps = [{"id": "t", "tool": "add", "arguments": {"a": 1, "b": 2}}, {"id": "a", "agent": "x", "retry": ONCE}]
        tools = {"add": tool("add")}
        failed = await bench.ended(await bench.begin({"steps": steps}, tools=tools))
        bench.model._script = lambda request: "fine"
        record = await bench.ended(await bench.begin({"steps": steps}, retry_of=failed.id, tools=tools))
        assert (record.output, len(registered["add"])) == ("fine", 1)

    async def test_one_that_is_not_registered_is_said(self, bench: Bench, registered: dict[str, Any]) -> None:
        record = await bench.ended(await bench.begin({"steps": [{"id": "t", "tool": "no"}]}, tools={"no": tool("no")}))
        assert record.error is not None
        assert record.error.code is Code.TOOL_REFUSED
        assert "TOOL_MODULES" in record.error.action
