"""Agents that call tools: the loop between model and tools, over the real engine and stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.approvals import Kind
from domain.errors import Code
from domain.events import Draft
from domain.executions import Execution
from domain.tool_use import SHOWN_CHARACTERS
from domain.tools import Tool
from domain.workflows import Workflow
from services.executions import new_execution_id
from services.tools.functions import tool_function
from tests.orchestrators.bench import TENANT, Bench
from tests.orchestrators.desk import Desk
from tests.support.scripted_model import Answer, calls, rejected, unreachable

NUMBERS = {
    "type": "object",
    "required": ["a", "b"],
    "additionalProperties": False,
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
}
STEP = {"id": "s", "agent": "x", "input": "What is 1 + 2?"}
ADD = ("add", {"a": 1, "b": 2})


def tool(function: str = "add", **more: Any) -> Tool:
    return Tool.model_validate({"name": function, "function": function, "input": NUMBERS, **more})


def script(bench: Bench, *answers: Answer) -> None:
    """Answers by the order in which they are asked for, whoever asks."""
    bench.model._script = lambda request: answers[len(bench.model.asked) - 1]


async def begun(bench: Bench, tools: dict[str, Tool] | None = None, step: dict[str, Any] = STEP, **more: Any) -> str:
    tools = {"add": tool()} if tools is None else tools
    return await bench.begin({"steps": [step]}, tools=tools, x={"tools": list(tools), **more.pop("x", {})}, **more)


async def forged(bench: Bench, record: Execution, change: Callable[[dict[str, Any]], Any]) -> str:
    """An execution whose log is that of another, but for what its answers that ask for tools say is to be done."""
    id = new_execution_id()
    first, *rest = [Draft.model_validate(event.model_dump(exclude={"offset"})) for event in await bench.log(record.id)]
    await bench.services.executions.create(record.model_copy(update={"id": id}), first)
    for draft in rest:
        for ask in draft.data.get("asks", ()):
            change(ask)
        await bench.services.events.append(TENANT, id, [draft])
    return id


class TestLoop:
    async def test_what_a_tool_gives_goes_back_to_the_model(self, bench: Bench, registered: dict[str, Any]) -> None:
        script(bench, calls(ADD, text="Let me see."), "It is 3.")
        record = await bench.ended(await begun(bench))
        assert (record.output, record.usage.model_calls, record.turns) == ("It is 3.", 2, 1)
        assert registered["add"] == [f"{record.id}:s/tool[0]#0"]
        first, second = bench.model.asked
        assert [spec.name for spec in first.tools] == ["add"]
        assert first.tools[0].parameters == NUMBERS
        *_, asked, result = second.messages
        assert asked["content"] == "Let me see."
        assert asked["tool_calls"][0]["function"] == {"name": "add", "arguments": json.dumps({"a": 1, "b": 2})}
        assert (result["role"], result["content"]) == ("tool", '{"sum": 3}')
        assert result["tool_call_id"] == asked["tool_calls"][0]["id"]

    async def test_the_log_tells_who_called_what(self, bench: Bench, registered: dict[str, Any]) -> None:
        script(bench, calls(ADD), "3")
        log = await bench.log((await bench.ended(await begun(bench))).id)
        told = [(event.type, event.step, event.agent) for event in log if event.type.startswith("call.")]
        assert told == [
            ("call.started", "s", "x"),
            ("call.asked", "s", "x"),
            ("call.started", "s/tool[0]", "x"),
            ("call.completed", "s/tool[0]", "x"),
            ("call.started", "s", "x"),
            ("call.completed", "s", "x"),
        ]

    async def test_several_are_called_at_the_same_time(self, bench: Bench, registered: dict[str, Any]) -> None:
        both = ("add", {"a": 1, "b": 1}), ("add", {"a": 2, "b": 2})
        script(bench, calls(*both), calls(ADD), "done")
        record = await bench.ended(await begun(bench))
        results = [one["content"] for one in bench.model.asked[2].messages if one["role"] == "tool"]
        assert results == ['{"sum": 2}', '{"sum": 4}', '{"sum": 3}']
        assert sorted(registered["add"]) == [f"{record.id}:s/tool[{n}]#0" for n in range(3)]

    async def test_the_last_round_has_to_answer(self, bench: Bench, registered: dict[str, Any]) -> None:
        script(bench, calls(ADD), calls(ADD), "enough")
        record = await bench.ended(await begun(bench, x={"max_rounds": 2}))
        assert [request.must_answer for request in bench.model.asked] == [False, False, True]
        assert record.output == "enough"

    async def test_one_that_asks_again_all_the_same_fails(self, bench: Bench, registered: dict[str, Any]) -> None:
        bench.model._script = lambda request: calls(ADD)
        record = await bench.ended(await begun(bench, x={"max_rounds": 1}))
        assert record.error is not None
        assert record.error.code is Code.MODEL_BAD_ANSWER
        assert len(registered["add"]) == 1

    async def test_an_answer_that_does_not_fit_is_repaired_after_tools_too(
        self, bench: Bench, registered: dict[str, Any]
    ) -> None:
        script(bench, calls(ADD), rejected("three"), calls(ADD), {"n": 3})
        step = {**STEP, "output_schema": {"type": "object"}}
        record = await bench.ended(await begun(bench, step=step))
        assert record.output == {"n": 3}
        assert bench.model.keys == {"s#0": 1, "s#1": 1, "s#2": 1, "s#3": 1}
        assert len(registered["add"]) == 2

    async def test_in_a_chat_it_is_one_turn(self, bench: Bench, registered: dict[str, Any]) -> None:
        script(bench, calls(ADD), "three", "agreed")
        chat = {"participants": ["x", "y"], "task": "Add.", "until": {"any": [{"turns": 2}]}}
        record = await bench.ended(await begun(bench, step={"id": "c", "group_chat": chat}))
        assert (record.turns, record.output) == (2, "agreed")
        assert "x: three" in bench.model.asked[2].messages[-1]["content"]
        assert registered["add"] == [f"{record.id}:c/turn[1]/tool[0]#0"]
        assert not bench.model.asked[2].tools  # y has none


class TestWhatIsNotCalled:
    @pytest.mark.parametrize(
        ("asked", "says"),
        [
            (("add", {"a": "x", "b": 2}), "at /a"),
            (("drop-tables", {}), "There is no tool 'drop-tables': there are add."),
            (("read-more", {"result": "call_0_0", "start": 0}), "There is no such result"),
        ],
    )
    async def test_the_model_is_told_why(
        self, bench: Bench, registered: dict[str, Any], asked: tuple[str, dict[str, Any]], says: str
    ) -> None:
        script(bench, calls(asked), "well")
        assert (await bench.ended(await begun(bench))).output == "well"
        assert says in bench.model.asked[1].messages[-1]["content"]
        assert registered["add"] == []

    async def test_what_a_model_writes_is_no_template(self, bench: Bench) -> None:
        heard: list[str] = []

        @tool_function("echo-for-test")
        def echo(text: str) -> str:
            heard.append(text)
            return text

        schema = {"type": "object", "properties": {"text": {"type": "string"}}}
        script(bench, calls(("echo-for-test", {"text": "${input}"})), "done")
        await bench.ended(await begun(bench, {"echo-for-test": tool("echo-for-test", input=schema)}))
        assert heard == ["${input}"]
        assert bench.model.asked[1].messages[-1]["content"] == "${input}"


class TestFailures:
    async def test_the_agent_is_told_and_makes_the_best_of_it(self, bench: Bench, registered: dict[str, Any]) -> None:
        script(bench, calls(("flaky", {})), "It does not work.")
        step = {**STEP, "retry": {"attempts": 2, "first_delay": "PT0.001S"}}
        flaky = tool("flaky", input={"type": "object"}, delivery="idempotent")
        record = await bench.ended(await begun(bench, {"flaky": flaky}, step))
        assert record.output == "It does not work."
        assert len(registered["flaky"]) == 2
        assert "(failed) Tool `flaky` failed: OSError: not yet" in bench.model.asked[1].messages[-1]["content"]

    async def test_a_failure_that_was_told_stays_when_the_step_is_tried_again(
        self, desk: Desk, registered: dict[str, Any]
    ) -> None:
        script(desk.bench, calls(("flaky", {})), unreachable(), "It does not work.")
        step = {**STEP, "retry": {"attempts": 1}, "on_error": {"ask": {}}}
        flaky = tool("flaky", input={"type": "object"}, delivery="idempotent")
        id = await begun(desk.bench, {"flaky": flaky}, step)
        await desk.decide(await desk.question(id), "retry")
        assert (await desk.bench.ended(id)).output == "It does not work."
        assert len(registered["flaky"]) == 1
        assert desk.bench.model.keys == {"s#0": 1, "s#1": 2}

    async def test_a_retry_calls_no_tool_and_buys_no_answer_twice(
        self, bench: Bench, registered: dict[str, Any]
    ) -> None:
        script(bench, calls(ADD), unreachable(), "It is 3.")
        step = {**STEP, "retry": {"attempts": 1}}
        failed = await bench.ended(await begun(bench, step=step))
        record = await bench.ended(await begun(bench, step=step, retry_of=failed.id))
        assert (record.output, len(registered["add"]), record.usage.model_calls) == ("It is 3.", 1, 1)

    async def test_what_a_retry_is_to_do_is_not_taken_from_the_other_log(
        self, desk: Desk, registered: dict[str, Any]
    ) -> None:
        """That may have been imported, and say that a call needs no approval."""
        bench, tools = desk.bench, {"add": tool(approval={})}
        script(bench, calls(ADD), unreachable(), "So be it.")
        step = {**STEP, "retry": {"attempts": 1}}
        id = await begun(bench, tools, step)
        await desk.decide(await desk.question(id), "reject")
        failed = await bench.ended(id)
        other = await forged(bench, failed, lambda ask: ask.pop("approval"))
        again = await begun(bench, tools, step, retry_of=other)
        assert (await desk.question(again)).kind is Kind.TOOL
        assert registered["add"] == []

    async def test_a_call_that_was_lost_is_asked_about(self, desk: Desk, registered: dict[str, Any]) -> None:
        script(desk.bench, calls(ADD), "It was 3.")
        gate = desk.bench.model.gate("s#0")
        id = await begun(desk.bench)
        await desk.bench.model.until(lambda: bool(desk.bench.model.asked))
        await desk.bench.services.ledger.begin(TENANT, id, "s/tool[0]#0", 1, [])  # begun, and then the process died
        gate.set()
        question = await desk.question(id)
        assert (question.kind, question.step) == (Kind.UNCERTAIN, "s/tool[0]")
        await desk.decide(question, "carried_out", comment='{"sum": 3}')
        assert (await desk.bench.ended(id)).output == "It was 3."
        assert registered["add"] == []
        assert desk.bench.model.asked[1].messages[-1]["content"] == '{"sum": 3}'


class TestApproval:
    async def test_a_human_allows_it(self, desk: Desk, registered: dict[str, Any]) -> None:
        script(desk.bench, calls(ADD), "3")
        id = await begun(desk.bench, {"add": tool(approval={})})
        question = await desk.question(id)
        assert (question.kind, question.ask) == (Kind.TOOL, "May x call the tool add?")
        assert question.show == {"a": 1, "b": 2}
        assert registered["add"] == []
        await desk.decide(question, "approve")
        assert (await desk.bench.ended(id)).output == "3"
        assert len(registered["add"]) == 1

    async def test_or_not_and_the_agent_is_told_why(self, desk: Desk, registered: dict[str, Any]) -> None:
        script(desk.bench, calls(ADD), "So be it.")
        id = await begun(desk.bench, {"add": tool(approval={})})
        await desk.decide(await desk.question(id), "reject", comment="too dear")
        assert (await desk.bench.ended(id)).output == "So be it."
        assert registered["add"] == []
        assert desk.bench.model.asked[1].messages[-1]["content"].endswith("call to be made: too dear")

    @pytest.mark.parametrize(("otherwise", "made"), [("approve", 1), ("reject", 0), ("fail", 0)])
    async def test_the_deadline_decides(
        self, desk: Desk, registered: dict[str, Any], otherwise: str, made: int
    ) -> None:
        script(desk.bench, calls(ADD), "done")
        id = await begun(desk.bench, {"add": tool(approval={"deadline": "PT1H", "otherwise": otherwise})})
        await desk.passes(id, timedelta(hours=1))
        record = await desk.bench.ended(id)
        assert len(registered["add"]) == made
        assert (record.error.code if record.error else None) == (Code.NOBODY_ANSWERED if otherwise == "fail" else None)

    @pytest.mark.parametrize(
        ("rule", "asks"),
        [("arguments.a > 100", False), ("arguments.a < 100", True), ("arguments.nothing == 1", True)],
    )
    async def test_a_rule_over_the_arguments_says_when(
        self, desk: Desk, registered: dict[str, Any], rule: str, asks: bool
    ) -> None:
        script(desk.bench, calls(ADD), "3")
        id = await begun(desk.bench, {"add": tool(approval={"when": rule})})
        if asks:
            await desk.decide(await desk.question(id), "approve")
        await desk.bench.ended(id)
        asked = [event for event in await desk.bench.log(id) if event.type == "approval.requested"]
        assert (bool(asked), len(registered["add"])) == (asks, 1)


class TestAgentsAndWorkflows:
    async def test_another_agent_is_asked(self, bench: Bench) -> None:
        script(bench, calls(("ask-y", {"task": "Add 1 and 2."})), "three", "It is three.")
        ask = Tool.model_validate({"name": "ask-y", "agent": "y"})
        record = await bench.ended(await begun(bench, {"ask-y": ask}, y={"instructions": "You add."}))
        assert (record.output, record.turns, record.usage.model_calls) == ("It is three.", 1, 3)
        assert bench.model.asked[1].messages == [
            {"role": "system", "content": "You add."},
            {"role": "user", "content": "Add 1 and 2."},
        ]
        assert bench.model.asked[2].messages[-1]["content"] == "three"

    async def test_a_workflow_is_run(self, bench: Bench, registered: dict[str, Any]) -> None:
        inner = Workflow.model_validate(
            {
                "name": "sum-up",
                "input": NUMBERS,
                "steps": [{"id": "t", "tool": "add", "arguments": {"a": "${input.a}", "b": "${input.b}"}}],
                "output": "It is ${steps.t.output.sum}",
            }
        )
        script(bench, calls(("sum-up", {"a": 1, "b": 2})), "done")
        tools = {"sum-up": Tool.model_validate({"name": "sum-up", "workflow": "sum-up"}), "add": tool()}
        id = await begun(bench, tools, x={"tools": ["sum-up"]}, workflows={"sum-up": inner})
        assert (await bench.ended(id)).output == "done"
        assert bench.model.asked[0].tools[0].parameters == NUMBERS
        assert bench.model.asked[1].messages[-1]["content"] == "It is 3"
        assert registered["add"] == [f"{id}:s/tool[0]/t#0"]

    async def test_its_failure_is_told(self, bench: Bench) -> None:
        inner = Workflow.model_validate({"name": "sub", "steps": [{"id": "y", "agent": "y", "retry": {"attempts": 1}}]})
        script(bench, calls(("sub", {})), unreachable(), "It is down.")
        tools = {"sub": Tool.model_validate({"name": "sub", "workflow": "sub"})}
        record = await bench.ended(await begun(bench, tools, workflows={"sub": inner}))
        assert record.output == "It is down."
        assert "(failed) The model is down." in bench.model.asked[2].messages[-1]["content"]


class TestLongResults:
    async def test_the_agent_pages_through_it(self, bench: Bench) -> None:
        long = "".join(f"{n:06d}," for n in range(4_000))  # 28,000 characters

        @tool_function("long-for-test")
        def give() -> str:
            return long

        following = {"result": "call_0_0", "start": SHOWN_CHARACTERS}
        script(bench, calls(("long-for-test", {})), calls(("read-more", following)), "read")
        give_it = tool("long-for-test", input={"type": "object"})
        record = await bench.ended(await begun(bench, {"long-for-test": give_it}))
        assert record.output == "read"
        first, second = (bench.model.asked[n].messages[-1]["content"] for n in (1, 2))
        assert first.startswith(long[:SHOWN_CHARACTERS])
        assert 'call read-more with {"result": "call_0_0", "start": 12000}' in first
        assert second.startswith(long[SHOWN_CHARACTERS : 2 * SHOWN_CHARACTERS])
        assert [spec.name for spec in bench.model.asked[0].tools] == ["long-for-test"]
        assert [spec.name for spec in bench.model.asked[1].tools] == ["long-for-test", "read-more"]


class TestGoingOn:
    async def test_after_answers_that_did_not_fit_no_two_calls_have_one_number(
        self, desk: Desk, registered: dict[str, Any]
    ) -> None:
        other = ("add", {"a": 5, "b": 5})
        script(desk.bench, calls(ADD), rejected("three"), rejected("3!"), calls(other), {"n": 10})
        step = {**STEP, "output_schema": {"type": "object"}, "retry": {"attempts": 1}, "on_error": {"ask": {}}}
        id = await begun(desk.bench, step=step)
        await desk.decide(await desk.question(id), "retry")
        assert (await desk.bench.ended(id)).output == {"n": 10}
        results = [one["content"] for one in desk.bench.model.asked[-1].messages if one["role"] == "tool"]
        assert results == ['{"sum": 3}', '{"sum": 10}']
        assert registered["add"] == [f"{id}:s/tool[{n}]#0" for n in range(2)]
