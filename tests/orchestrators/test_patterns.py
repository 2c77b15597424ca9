"""Each pattern end to end over the real engine and stores: what is asked, in which order, and what comes of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.errors import Code
from domain.executions import Status, StopReason
from services.models.base import ModelRequest
from tests.orchestrators.bench import Bench, asked_of
from tests.support.scripted_model import unreachable


def by_agent(answers: dict[str, Any]) -> Any:
    """A script that answers by the agent's name in the instructions."""

    def script(request: ModelRequest) -> Any:
        name = request.messages[0]["content"].removeprefix("You are ").removesuffix(".")
        return answers[name]

    return script


async def test_sequential_hands_each_output_on(bench: Bench) -> None:
    record = await bench.run(
        {
            "steps": [
                {"id": "draft", "agent": "writer", "input": "write about ${input.topic}"},
                {"id": "critique", "agent": "critic", "input": "criticise: ${steps.draft.output}"},
                {"id": "revise", "agent": "writer", "input": "${steps.draft.output} / ${steps.critique.output}"},
            ]
        },
        {"topic": "lamps"},
    )
    assert record.status is Status.COMPLETED
    assert record.output == "answer 3"
    assert record.stop_reason is StopReason.FINISHED
    assert asked_of(bench.model) == ["write about lamps", "criticise: answer 1", "answer 1 / answer 2"]
    assert (record.usage.model_calls, record.turns, record.usage.tokens_in) == (3, 3, 30)


async def test_the_log_tells_the_story_in_order_and_without_gaps(bench: Bench) -> None:
    record = await bench.run({"steps": [{"id": "a", "agent": "writer"}, {"id": "b", "agent": "writer"}]}, "hi")
    log = await bench.log(record.id)
    assert [event.offset for event in log] == list(range(1, len(log) + 1))
    assert await bench.types(record.id) == [
        ("execution.started", None),
        ("step.started", "a"),
        ("call.started", "a"),
        ("call.completed", "a"),
        ("step.completed", "a"),
        ("step.started", "b"),
        ("call.started", "b"),
        ("call.completed", "b"),
        ("step.completed", "b"),
        ("execution.completed", None),
    ]


async def test_branches_run_at_the_same_time_and_join_by_id(bench: Bench) -> None:
    gates = [bench.model.gate(f"{name}#") for name in ("one", "two", "three")]
    id = await bench.begin(
        {
            "steps": [
                {"id": "all", "concurrent": [{"id": name, "agent": name} for name in ("one", "two", "three")]},
                {"id": "merge", "agent": "editor", "input": "${steps.all.output.one}+${steps.two.output}"},
            ]
        }
    )
    await bench.model.until(lambda: len(bench.model.asked) == 3)  # none waits for another: all three are being asked
    for gate in gates:
        gate.set()
    record = await bench.ended(id)
    assert record.status is Status.COMPLETED
    assert asked_of(bench.model)[-1].startswith("answer ")


async def test_a_branch_of_several_steps_does_not_wait_for_its_siblings(bench: Bench) -> None:
    slow = bench.model.gate("slow#")
    quick = {"id": "quick", "sequential": [{"id": "q1", "agent": "a"}, {"id": "q2", "agent": "a"}]}
    id = await bench.begin({"steps": [{"id": "all", "concurrent": [{"id": "slow", "agent": "b"}, quick]}]})
    await bench.model.until(lambda: bench.model.keys["all/quick/q2#0"] == 1)
    slow.set()
    assert (await bench.ended(id)).status is Status.COMPLETED


async def test_one_failing_branch_loses_no_other_work(bench: Bench) -> None:
    bench.model._script = by_agent({"good": "fine", "bad": unreachable()})
    retry = {"attempts": 2, "first_delay": "PT0.01S"}
    branches = [{"id": "g", "agent": "good"}, {"id": "b", "agent": "bad", "retry": retry}]
    record = await bench.run({"steps": [{"id": "all", "concurrent": branches}]})
    assert record.status is Status.FAILED
    assert record.error is not None
    assert record.error.code is Code.MODEL_UNREACHABLE
    assert ("call.completed", "all/g") in await bench.types(record.id)
    assert bench.model.keys["all/b#0"] == 2


async def test_map_runs_the_step_for_each_item_in_order(bench: Bench) -> None:
    bench.model._script = lambda request: request.messages[-1]["content"].upper()
    record = await bench.run(
        {
            "steps": [
                {
                    "id": "m",
                    "map": {"over": "input.words", "step": {"id": "each", "agent": "a", "input": "${index} ${item}"}},
                }
            ]
        },
        {"words": ["x", "y", "z"]},
    )
    assert record.output == ["0 X", "1 Y", "2 Z"]


async def test_map_keeps_to_its_concurrency(bench: Bench) -> None:
    gate = bench.model.gate("m[")
    step = {"id": "each", "agent": "a", "input": "${item}"}
    id = await bench.begin(
        {"steps": [{"id": "m", "map": {"over": "input", "step": step, "concurrency": 2}}]}, list(range(6))
    )
    await bench.model.until(lambda: len(bench.model.asked) == 2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(bench.model.asked) == 2
    gate.set()
    assert len((await bench.ended(id)).output) == 6


async def test_a_long_map_runs_in_slices_with_bounded_histories(bench: Bench) -> None:
    bench.model._script = lambda request: request.messages[-1]["content"]
    items = [f"{n:03d}" + "x" * 100 for n in range(120)]  # together too large to travel inline
    step = {"id": "each", "agent": "a", "input": "${item}", "when": "index != 7"}
    record = await bench.run({"steps": [{"id": "m", "map": {"over": "input", "step": step, "concurrency": 50}}]}, items)
    assert record.output == [None if n == 7 else item for n, item in enumerate(items)]
    root = await bench.instance_ended(record.id)
    assert len(root.history or ()) < 40


async def test_a_skipped_step_is_null_and_says_why(bench: Bench) -> None:
    record = await bench.run(
        {
            "steps": [
                {"id": "maybe", "agent": "a", "when": "input.go"},
                {"id": "last", "agent": "a", "input": "${steps.maybe.status} ${steps.maybe.output}"},
            ]
        },
        {"go": False},
    )
    assert asked_of(bench.model) == ["skipped null"]
    skipped = next(event for event in await bench.log(record.id) if event.type == "step.skipped")
    assert skipped.data["reason"] == "`input.go` is false"


@pytest.mark.parametrize("written", ["no", "long " * 1000])
async def test_a_condition_that_is_neither_true_nor_false_fails_its_step(bench: Bench, written: str) -> None:
    record = await bench.run({"steps": [{"id": "maybe", "agent": "a", "when": "input.go"}]}, {"go": written})
    assert record.error is not None
    assert record.error.code is Code.EXPRESSION_FAILED
    assert "must be true or false" in record.error.message


async def test_on_error_skip_and_fallback_carry_on(bench: Bench) -> None:
    bench.model._script = by_agent({"bad": unreachable(), "good": "fine"})
    once = {"attempts": 1}
    record = await bench.run(
        {
            "steps": [
                {"id": "s", "agent": "bad", "retry": once, "on_error": "skip"},
                {"id": "f", "agent": "bad", "retry": once, "on_error": {"fallback": {"score": 0}}},
                {"id": "g", "agent": "good", "input": "${steps.s.output} ${steps.f.output.score}"},
            ]
        }
    )
    assert record.status is Status.COMPLETED
    assert asked_of(bench.model)[-1] == "null 0"


async def test_large_answers_travel_by_reference_and_arrive_whole(bench: Bench) -> None:
    large = "w" * 40_000
    bench.model._script = by_agent({"big": large, "echo": "ok"})
    record = await bench.run(
        {
            "steps": [
                {"id": "one", "agent": "big"},
                {"id": "two", "agent": "echo", "input": "<${steps.one.output}>", "when": "size(steps.one.output) > 10"},
            ],
            "output": "${ {'length': size(steps.one.output), 'text': steps.one.output} }",
        }
    )
    assert asked_of(bench.model)[-1] == f"<{large}>"
    assert record.output == {"length": 40_000, "text": large}
    history = "".join((await bench.instance_ended(record.id)).history or ())
    assert large[:5_000] not in history


async def test_a_long_sequence_continues_as_new_and_keeps_what_it_knows(bench: Bench) -> None:
    steps = [
        {"id": f"s{n}", "agent": "a", "input": f"${{steps.s{n - 1}.output}}" if n else "start"} for n in range(120)
    ]
    record = await bench.run({"steps": steps})
    assert record.output == "answer 120"
    assert asked_of(bench.model)[1:3] == ["answer 1", "answer 2"]
    assert asked_of(bench.model)[-1] == "answer 119"
    assert len((await bench.instance_ended(record.id)).history or ()) < 250
    completed = [event for event in await bench.log(record.id) if event.type == "step.completed"]
    assert [event.step for event in completed] == [f"s{n}" for n in range(120)]


async def test_an_expression_that_fails_is_the_authors_typed_failure(bench: Bench) -> None:
    record = await bench.run({"steps": [{"id": "a", "agent": "x", "input": "${input.missing.deep}"}]}, {})
    assert record.status is Status.FAILED
    assert record.error is not None
    assert record.error.code is Code.EXPRESSION_FAILED
    assert bench.model.asked == []
    output = await bench.run({"steps": [{"id": "a", "agent": "x"}], "output": "${steps.a.output.nope}"}, "hi")
    assert output.status is Status.FAILED
    assert (await bench.types(output.id))[-1] == ("execution.failed", None)
