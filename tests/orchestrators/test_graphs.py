"""Steps as their `needs` say, branches with a join, loops, switches, sub-workflows: over the real engine and stores."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from domain.errors import Code
from domain.executions import Status, StopReason
from domain.workflows import Workflow
from services.models.base import ModelRequest
from tests.orchestrators.bench import Bench, asked_of
from tests.support.scripted_model import unreachable

ONCE = {"attempts": 1}


def said(bench: Bench) -> None:
    """Every call answers with what it was asked."""
    bench.model._script = lambda request: request.messages[-1]["content"]


def step(id: str, *needs: str, **more: Any) -> dict[str, Any]:
    uses = " ".join(f"${{steps.{need}.output}}" for need in needs)
    return {"id": id, "agent": "a", "needs": list(needs), "input": f"{id}({uses})", **more}


class TestNeeds:
    async def test_each_step_begins_when_what_it_needs_has_ended(self, bench: Bench) -> None:
        said(bench)
        slow = bench.model.gate("slow#")
        steps = [step("slow"), step("quick"), step("next", "quick"), step("both", "slow", "next")]
        id = await bench.begin({"steps": steps})
        await bench.model.until(lambda: bench.model.keys["next#0"] == 1)  # it did not wait for `slow`
        assert bench.model.keys["both#0"] == 0
        slow.set()
        record = await bench.ended(id)
        assert record.output == "both(slow() next(quick()))"

    async def test_a_step_without_needs_needs_the_one_before(self, bench: Bench) -> None:
        said(bench)
        gate = bench.model.gate("one#")
        one, two = {"id": "one", "agent": "a"}, {"id": "two", "agent": "a", "input": "${steps.one.output}"}
        id = await bench.begin({"steps": [one, two, step("beside")]}, "hi")
        await bench.model.until(lambda: bench.model.keys["beside#0"] == 1)
        assert bench.model.keys["two#0"] == 0
        gate.set()
        assert (await bench.ended(id)).output == "beside()"

    async def test_after_a_failure_nothing_more_begins_and_what_is_under_way_is_kept(self, bench: Bench) -> None:
        bench.model._script = lambda request: unreachable() if "bad" in request.messages[-1]["content"] else "fine"
        good = bench.model.gate("good#")
        steps = [step("good"), step("bad", retry=ONCE), step("after", "good")]
        id = await bench.begin({"steps": steps})
        await bench.model.until(lambda: bench.model.keys["bad#0"] == 1 and bench.model.keys["good#0"] == 1)
        good.set()
        record = await bench.ended(id)
        assert record.status is Status.FAILED
        assert bench.model.keys["after#0"] == 0
        assert ("call.completed", "good") in await bench.types(id)

    async def test_a_long_graph_continues_as_new_where_nothing_is_under_way(self, bench: Bench) -> None:
        said(bench)
        pairs = [
            [step(f"a{n}", *([f"c{n - 1}"] if n else [])), step(f"b{n}", *([f"c{n - 1}"] if n else []))]
            for n in range(40)
        ]
        steps = [
            one for n, pair in enumerate(pairs) for one in [*pair, {**step(f"c{n}", f"a{n}", f"b{n}"), "input": "x"}]
        ]
        record = await bench.run({"steps": steps})
        assert record.status is Status.COMPLETED
        assert len((await bench.instance_ended(record.id)).history or ()) < 250
        assert record.usage.model_calls == 120


class TestJoin:
    def definition(self, join: Any, names: str = "one two three", **more: Any) -> dict[str, Any]:
        branches = [{"id": name, "agent": name, "retry": ONCE} for name in names.split()]
        return {"steps": [{"id": "all", "concurrent": {"branches": branches, "join": join}, **more}]}

    @pytest.mark.parametrize(("join", "first"), [("any", ["two"]), ({"at_least": 2}, ["one", "two"])])
    async def test_enough_is_enough_and_the_rest_is_broken_off(self, bench: Bench, join: Any, first: list[str]) -> None:
        gates = {name: bench.model.gate(f"{name}#") for name in ("one", "two", "three")}
        id = await bench.begin(self.definition(join))
        await bench.model.until(lambda: len(bench.model.asked) == 3)
        for name in first:
            gates[name].set()
        record = await bench.ended(id)
        assert record.status is Status.COMPLETED
        assert {name for name, output in record.output.items() if output is not None} == set(first)
        types = await bench.types(id)
        for name in {"one", "two", "three"} - set(first):
            assert ("step.canceled", f"all/{name}") in types
            assert ("call.completed", f"all/{name}") not in types
        log = await bench.log(id)
        completed = next(event for event in log if event.type == "step.completed" and event.step == "all")
        assert completed.data["stop_reason"] == StopReason.ENOUGH
        assert "canceled" in completed.data["evidence"]
        assert log[-1].type == "execution.completed"

    async def test_one_that_only_waited_says_why_it_was_canceled(self, bench: Bench) -> None:
        branches = [{"id": "quick", "agent": "a"}, {"id": "slow", "wait": {"event": "go"}}]
        record = await bench.run({"steps": [{"id": "all", "concurrent": {"branches": branches, "join": "any"}}]})
        log = await bench.log(record.id)
        (canceled,) = [event for event in log if event.type == "step.canceled"]
        assert (canceled.step, canceled.data["reason"]) == ("all/slow", "what `join` asks for is there")

    async def test_losers_may_be_left_to_end_and_are_waited_for_at_the_end(self, bench: Bench) -> None:
        slow = bench.model.gate("three#")
        definition = self.definition({"at_least": 2, "losers": "leave"})
        definition["steps"].append({"id": "then", "agent": "a", "input": "${steps.all.output.three}"})
        id = await bench.begin(definition)
        await bench.model.until(lambda: bench.model.keys["then#0"] == 1)
        slow.set()
        record = await bench.ended(id)
        assert record.status is Status.COMPLETED
        assert asked_of(bench.model)[-1] == "null"
        assert ("step.completed", "all/three") in await bench.types(id)
        assert record.usage.model_calls == 4

    async def test_failures_are_tolerated_up_to_a_number(self, bench: Bench) -> None:
        def script(request: ModelRequest) -> Any:
            return unreachable() if "one" in request.messages[0]["content"] else "fine"

        bench.model._script = script
        record = await bench.run(self.definition({"tolerate": 1}))
        assert record.output == {"one": None, "two": "fine", "three": "fine"}
        bench.model._script = lambda request: unreachable()
        record = await bench.run(self.definition({"tolerate": 1}))
        assert record.error is not None
        assert record.error.code is Code.JOIN_UNMET
        assert "needs 2 of 3" in record.error.message

    async def test_what_cannot_be_met_any_more_fails_at_once(self, bench: Bench) -> None:
        def script(request: ModelRequest) -> Any:
            return "fine" if "three" in request.messages[0]["content"] else unreachable()

        bench.model._script = script
        bench.model.gate("three#")  # never opened: it is broken off
        record = await bench.run(self.definition({"at_least": 2}))
        assert record.error is not None
        assert record.error.code is Code.JOIN_UNMET
        assert ("step.canceled", "all/three") in await bench.types(record.id)

    async def test_a_map_joins_the_same_way(self, bench: Bench) -> None:
        said(bench)
        bench.model.gate("each[3]#")
        mapped = {"over": "input", "step": {"id": "one", "agent": "a", "input": "${item}"}, "join": {"at_least": 3}}
        record = await bench.run({"steps": [{"id": "each", "map": mapped}]}, ["a", "b", "c", "d"])
        assert record.output == ["a", "b", "c", None]


class TestLoop:
    def loop(self, **rules: Any) -> dict[str, Any]:
        body = {"id": "draft", "agent": "a", "input": "${round.index}: ${round.last}"}
        return {"steps": [{"id": "again", "loop": {"steps": [body], **rules}}], "output": "${steps.again}"}

    async def test_until(self, bench: Bench) -> None:
        said(bench)
        record = await bench.run(self.loop(most=9, until="steps.draft.output.startsWith('2')"))
        assert record.output == {"output": "2: 1: 0: null", "status": "succeeded", "stop_reason": "condition"}
        rounds = [event.data["round"] for event in await bench.log(record.id) if event.type == "loop.round"]
        assert rounds == [1, 2, 3]

    async def test_while(self, bench: Bench) -> None:
        record = await bench.run(self.loop(most=9, **{"while": "round.index < 2"}))
        assert (record.output["stop_reason"], len(bench.model.asked)) == ("condition", 2)
        record = await bench.run(self.loop(most=9, **{"while": "false"}))
        assert record.output == {"output": None, "status": "succeeded", "stop_reason": "condition"}

    async def test_the_bound_ends_it_and_says_so(self, bench: Bench) -> None:
        record = await bench.run(self.loop(most=3, until="false"))
        assert (record.output["stop_reason"], len(bench.model.asked)) == ("most", 3)

    async def test_a_long_one_keeps_its_history_short(self, bench: Bench) -> None:
        record = await bench.run(self.loop(most=120, until="false"))
        assert record.status is Status.COMPLETED
        assert len(bench.model.asked) == 120
        child = await bench.instance_ended(f"{record.id}.again")
        assert len(child.history or ()) < 250

    async def test_a_failure_in_a_round_fails_it(self, bench: Bench) -> None:
        bench.model._script = lambda request: "fine" if len(bench.model.asked) < 3 else unreachable()
        definition = self.loop(most=9, until="false")
        definition["defaults"] = {"retry": ONCE}
        record = await bench.run(definition)
        assert record.error is not None
        assert record.error.code is Code.MODEL_UNREACHABLE


class TestSwitch:
    SWITCH: ClassVar[dict[str, Any]] = {
        "id": "route",
        "switch": {
            "cases": [
                {"when": "input.kind == 'a'", "step": {"id": "as", "agent": "a"}},
                {"when": "input.kind == 'b'", "step": {"id": "bs", "agent": "b"}},
            ],
            "otherwise": {"id": "rest", "agent": "c"},
        },
    }  # fmt: skip

    @pytest.mark.parametrize(("kind", "chosen"), [("a", "as"), ("b", "bs"), ("z", "rest")])
    async def test_the_first_case_that_is_true_is_run(self, bench: Bench, kind: str, chosen: str) -> None:
        output = "${steps.as.status} ${steps.bs.status} ${steps.rest.status} ${steps.route.output}"
        record = await bench.run({"steps": [self.SWITCH], "output": output}, {"kind": kind})
        wanted = {"as": "skipped", "bs": "skipped", "rest": "skipped", chosen: "succeeded"}
        assert record.output == f"{wanted['as']} {wanted['bs']} {wanted['rest']} answer 1"

    async def test_without_a_case_it_is_skipped(self, bench: Bench) -> None:
        switch = {"id": "route", "switch": {"cases": self.SWITCH["switch"]["cases"]}}
        record = await bench.run({"steps": [switch], "output": "${steps.route.status}"}, {"kind": "z"})
        assert record.output == "skipped"


class TestSubWorkflow:
    INNER = Workflow.model_validate(
        {
            "name": "inner",
            "input": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
            "steps": [{"id": "s", "agent": "a", "input": "<${input.text}>"}],
            "output": "${ {'said': steps.s.output} }",
        }
    )

    async def test_it_runs_within_the_same_execution(self, bench: Bench) -> None:
        said(bench)
        step = {"id": "sub", "workflow": "inner", "input": {"text": "${input.word}!"}}
        record = await bench.run_with(
            {"steps": [step], "output": "${steps.sub.output.said}"}, {"inner": self.INNER}, {"word": "hi"}
        )
        assert record.output == "<hi!>"
        assert bench.model.keys["sub/s#0"] == 1
        assert ("step.completed", "sub/s") in await bench.types(record.id)

    async def test_what_it_does_not_take_is_said(self, bench: Bench) -> None:
        step = {"id": "sub", "workflow": "inner", "input": {"text": 5}}
        record = await bench.run_with({"steps": [step]}, {"inner": self.INNER})
        assert record.error is not None
        assert record.error.code is Code.INVALID_INPUT
        assert "/text" in record.error.message
        assert bench.model.asked == []

    async def test_workflows_in_workflows(self, bench: Bench) -> None:
        said(bench)
        outer = Workflow.model_validate(
            {"name": "outer", "steps": [{"id": "in", "workflow": "inner", "input": {"text": "${input.a}"}}]}
        )
        step = {"id": "sub", "workflow": "outer", "input": {"a": "deep"}}
        record = await bench.run_with({"steps": [step]}, {"inner": self.INNER, "outer": outer})
        assert record.output == {"said": "<deep>"}
        assert bench.model.keys["sub/in/s#0"] == 1


class TestHandoff:
    def script(self, *answers: dict[str, str]) -> Any:
        left = iter(answers)
        return lambda request: next(left) if request.response_schema else "the end"

    HANDOFF: ClassVar[dict[str, Any]] = {
        "task": "help",
        "start": "desk",
        "may_pass": {"desk": ["billing", "tech"], "billing": ["desk"]},
    }

    async def test_the_conversation_is_passed_on_with_a_reason(self, bench: Bench) -> None:
        bench.model._script = self.script(
            {"pass_to": "billing", "reason": "about money", "answer": "they pay too much"},
            {"pass_to": "nobody", "reason": "done", "answer": "refunded"},
        )
        record = await bench.run({"steps": [{"id": "h", "handoff": self.HANDOFF}], "output": "${steps.h}"})
        assert record.output == {"output": "refunded", "status": "succeeded", "stop_reason": "finished"}
        passed = [event for event in await bench.log(record.id) if event.type == "handoff.passed"]
        assert [(event.agent, event.data["to"], event.data["reason"]) for event in passed] == [
            ("desk", "billing", "about money")
        ]
        assert "desk: they pay too much" in asked_of(bench.model)[1]

    async def test_after_so_many_whoever_has_it_must_answer(self, bench: Bench) -> None:
        back_and_forth = [
            {"pass_to": "billing", "reason": "r", "answer": "x"},
            {"pass_to": "desk", "reason": "r", "answer": "x"},
        ]
        bench.model._script = self.script(*back_and_forth * 5)
        definition = {"steps": [{"id": "h", "handoff": {**self.HANDOFF, "most": 3}}], "output": "${steps.h}"}
        record = await bench.run(definition)
        assert record.output == {"output": "the end", "status": "succeeded", "stop_reason": "most"}
        assert len(bench.model.asked) == 4

    async def test_one_that_may_pass_to_nobody_just_answers(self, bench: Bench) -> None:
        bench.model._script = self.script({"pass_to": "tech", "reason": "r", "answer": "x"})
        record = await bench.run({"steps": [{"id": "h", "handoff": self.HANDOFF}]})
        assert record.output == "the end"


async def test_everything_nests_in_everything(bench: Bench) -> None:
    said(bench)
    mapped = {"over": "[1, 2]", "step": {"id": "m", "agent": "a", "input": "${item}${round.index}"}}
    looped = {"most": 2, "until": "false", "steps": [{"id": "each", "map": mapped}]}
    branches = [{"id": "l", "loop": looped}, {"id": "s", "sequential": [{"id": "x", "agent": "a", "input": "x"}]}]
    case = {"when": "true", "step": {"id": "c", "concurrent": branches}}
    record = await bench.run({"steps": [{"id": "w", "switch": {"cases": [case]}}]})
    assert record.output == {"l": ["11", "21"], "s": "x"}
    assert await asyncio.to_thread(lambda: bench.model.keys["w/c/l/round[2]/each[1]#0"]) == 1
