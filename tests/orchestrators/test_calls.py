"""Answers that do not fit, and budgets: over the real engine and stores."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.errors import Code
from domain.events import EventType
from domain.executions import Status
from domain.policies import Retry
from tests.orchestrators.bench import Bench
from tests.support.scripted_model import rejected, unreachable

ONCE = {"attempts": 1}
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


class TestRepair:
    STEP = {"id": "a", "agent": "x", "input": "a number", "output_schema": SCHEMA}  # noqa: RUF012

    async def test_an_answer_that_does_not_fit_is_sent_back_once(self, bench: Bench) -> None:
        bench.model._script = lambda request: rejected("five") if len(bench.model.asked) < 2 else {"n": 5}
        record = await bench.run({"steps": [self.STEP]})
        assert record.output == {"n": 5}
        again = bench.model.asked[1].messages
        assert [message["role"] for message in again] == ["system", "user", "assistant", "user"]
        assert again[2]["content"] == "five"
        assert "It does not fit." in again[3]["content"]
        assert bench.model.keys == {"a#0": 1, "a#1": 1}
        assert (record.usage.model_calls, record.turns) == (2, 1)  # it was paid for, and was no turn

    async def test_and_then_the_step_fails(self, bench: Bench) -> None:
        bench.model._script = lambda request: rejected("five")
        record = await bench.run({"steps": [self.STEP]})
        assert record.error is not None
        assert record.error.code is Code.MODEL_BAD_ANSWER
        assert len(bench.model.asked) == 2
        assert record.usage.model_calls == 2
        kept = [event.value for event in await bench.log(record.id) if event.type == EventType.CALL_REJECTED]
        assert kept == ["five", "five"]

    async def test_one_that_was_cut_off_is_paid_for_and_not_asked_again(self, bench: Bench) -> None:
        bench.model._script = lambda request: rejected('{"n', Code.MODEL_CUT_OFF)
        record = await bench.run({"steps": [{**self.STEP, "retry": {"attempts": 3, "on": ["model_unreachable"]}}]})
        assert record.error is not None
        assert record.error.code is Code.MODEL_CUT_OFF
        assert record.usage.model_calls == 1

    async def test_a_retry_takes_the_rejected_answer_over_as_well(self, bench: Bench) -> None:
        bench.model._script = lambda request: rejected("five") if len(bench.model.asked) < 2 else unreachable()
        definition = {"steps": [{**self.STEP, "retry": ONCE}]}
        failed = await bench.run(definition)
        assert failed.status is Status.FAILED
        bench.model._script = lambda request: {"n": 5}
        record = await bench.ended(await bench.begin(definition, retry_of=failed.id))
        assert record.output == {"n": 5}
        assert bench.model.keys["a#0"] == 1
        assert record.usage.model_calls == 1


class TestBudget:
    async def test_calls_are_counted_over_everything_inside(self, bench: Bench) -> None:
        branches = [{"id": f"b{n}", "agent": "x", "on_error": "skip"} for n in range(5)]
        step = {"id": "all", "concurrent": branches, "budget": {"model_calls": 3}}
        record = await bench.run({"steps": [step]})
        assert record.usage.model_calls == 3
        failures = [event for event in await bench.log(record.id) if event.type == "step.failed"]
        assert {event.data["error"]["code"] for event in failures} == {Code.BUDGET_EXCEEDED}
        assert len(failures) == 2

    async def test_the_workflow_has_limits_of_its_own(self, bench: Bench) -> None:
        steps = [{"id": f"s{n}", "agent": "x"} for n in range(4)]
        record = await bench.run({"limits": {"model_calls": 2}, "steps": steps})
        assert record.error is not None
        assert record.error.code is Code.BUDGET_EXCEEDED
        assert "2 of 2 model calls" in record.error.message
        assert record.usage.model_calls == 2

    async def test_children_share_what_is_left(self, bench: Bench) -> None:
        chat = {"participants": ["p", "q"], "task": "Talk.", "until": {"any": [{"turns": 9}]}}
        loop = {"most": 9, "until": "false", "steps": [{"id": "in", "agent": "x"}]}
        steps = [{"id": "talk", "group_chat": chat, "on_error": "skip"}, {"id": "again", "loop": loop}]
        record = await bench.run({"limits": {"model_calls": 5}, "steps": [{"id": "c", "concurrent": steps}]})
        assert record.error is not None
        assert record.error.code is Code.BUDGET_EXCEEDED
        assert record.usage.model_calls == 5

    async def test_tokens_and_dollars_are_passed_by_one_call_at_most(self, bench: Bench) -> None:
        bench.model._script = lambda request: "word " * 40  # 50 tokens with the question
        steps = [{"id": f"s{n}", "agent": "x"} for n in range(9)]
        record = await bench.run({"limits": {"tokens": 120}, "steps": steps})
        assert record.usage.tokens_in + record.usage.tokens_out == 150
        bench.model.price = Decimal("0.01")
        record = await bench.run({"limits": {"cost_usd": "1.20"}, "steps": steps})
        assert record.usage.cost_usd == Decimal("1.50")

    async def test_dollars_need_a_price(self, bench: Bench) -> None:
        record = await bench.run({"limits": {"cost_usd": 1}, "steps": [{"id": "a", "agent": "x"}]})
        assert record.error is not None
        assert record.error.code is Code.BUDGET_EXCEEDED
        assert "price" in record.error.message
        assert bench.model.asked == []

    async def test_failed_tries_cost_nothing(self, bench: Bench) -> None:
        bench.model._script = lambda request: unreachable() if len(bench.model.asked) < 3 else "fine"
        step = {"id": "a", "agent": "x", "retry": {"first_delay": "PT0.01S"}, "budget": {"model_calls": 1}}
        assert (await bench.run({"steps": [step]})).output == "fine"


class TestRetryPolicy:
    async def test_steps_inherit_it_from_what_is_around_them(self, bench: Bench) -> None:
        bench.model._script = lambda request: unreachable()
        quick = {"first_delay": "PT0.001S"}
        steps: list[Any] = [
            {"id": "own", "agent": "x", "retry": {**quick, "attempts": 1}, "on_error": "skip"},
            {"id": "around", "retry": {**quick, "attempts": 2}, "sequential": [{"id": "in", "agent": "x"}]},
        ]
        steps.insert(1, {"id": "d", "agent": "x", "on_error": "skip"})
        await bench.run({"defaults": {"retry": {**quick, "attempts": 3}}, "steps": steps})
        assert bench.model.keys == {"own#0": 1, "d#0": 3, "around/in#0": 2}

    async def test_it_says_which_errors(self, bench: Bench) -> None:
        bench.model._script = lambda request: unreachable()
        step = {"id": "a", "agent": "x", "retry": {"attempts": 3, "on": ["model_rate_limited"]}}
        await bench.run({"steps": [step]})
        assert bench.model.keys == {"a#0": 1}

    def test_jitter_lengthens_by_a_share_of_the_wait(self) -> None:
        policy = Retry(jitter=0.5)
        waits = [policy.delay(1, None, chance).total_seconds() for chance in (0, 0.5, 0.999)]
        assert waits == [2, 2.5, pytest.approx(3, abs=0.01)]


class TestWindow:
    """What does not fit the model's window; tests/services/test_context.py has what is left out of it."""

    async def test_a_call_says_how_much_was_sent_and_what_was_not(self, bench: Bench) -> None:
        workflow = {"steps": [{"id": "a", "agent": "x", "input": "Sum up: ${input.text}"}]}
        record = await bench.run(workflow, input={"text": "word " * 200_000})
        assert record.status is Status.COMPLETED
        [started] = [event for event in await bench.log(record.id) if event.type == EventType.CALL_STARTED]
        assert 100_000 < started.data["tokens"] < 128_000
        assert started.data["left_out"]["shortened"] is True
        assert "is left out here.)" in bench.model.asked[0].messages[1]["content"]

    async def test_what_cannot_be_fitted_is_never_asked(self, bench: Bench) -> None:
        schema = {"type": "object", "properties": {"n": {"description": "word " * 130_000}}}
        record = await bench.run({"steps": [{"id": "a", "agent": "x", "input": "hi", "output_schema": schema}]})
        assert record.error is not None
        assert record.error.code is Code.CONTEXT_EXCEEDED
        assert bench.model.asked == []
        assert record.usage.model_calls == 0
