"""Cheap first: what is asked, in which calls, and that nothing is asked twice. Over the real engine and stores."""

from __future__ import annotations

from typing import Any

from domain.errors import Code
from domain.events import EventType
from domain.executions import Status
from services.models.base import ModelRequest
from tests.orchestrators.bench import Bench
from tests.orchestrators.test_agent_tools import ADD, begun
from tests.support.scripted_model import Answer, calls, rejected, unreachable

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
STEP: dict[str, Any] = {"id": "a", "agent": "x", "input": "a number"}
CHEAP = rejected("Perhaps.", Code.MODEL_NOT_ACCEPTED)


def cascade(bench: Bench, *stronger: Answer) -> None:
    """The cheap model's answers are never accepted; the stronger one's come in this order."""

    def say(request: ModelRequest) -> Answer:
        if not request.escalated:
            return CHEAP
        return stronger[sum(asked.escalated for asked in bench.model.asked) - 1]

    bench.model._script = say


async def test_the_stronger_model_is_asked_the_same_in_a_call_of_its_own(bench: Bench) -> None:
    cascade(bench, "Five.")
    record = await bench.run({"steps": [STEP]})
    assert (record.output, record.usage.model_calls, record.turns) == ("Five.", 2, 1)
    assert bench.model.keys == {"a#0": 1, "a#0.1": 1}
    first, second = bench.model.asked
    assert (first.escalated, second.escalated, first.messages) == (False, True, second.messages)
    (kept,) = [event for event in await bench.log(record.id) if event.type is EventType.CALL_REJECTED]
    assert (kept.value, kept.data["error"]["code"]) == ("Perhaps.", Code.MODEL_NOT_ACCEPTED)


async def test_its_answer_too_is_sent_back_when_it_does_not_fit(bench: Bench) -> None:
    cascade(bench, rejected("five"), {"n": 5})
    record = await bench.run({"steps": [{**STEP, "output_schema": SCHEMA}]})
    assert (record.output, record.usage.model_calls) == ({"n": 5}, 3)
    assert bench.model.keys == {"a#0": 1, "a#0.1": 1, "a#0.2": 1}


async def test_it_may_be_down_for_a_while(bench: Bench) -> None:
    cascade(bench, unreachable(), "Five.")
    record = await bench.run({"steps": [{**STEP, "retry": {"attempts": 2, "first_delay": "PT1S"}}]})
    assert (record.output, record.usage.model_calls) == ("Five.", 2)
    assert bench.model.keys == {"a#0": 1, "a#0.1": 2}


async def test_a_retry_takes_the_cheap_answer_over_and_asks_the_stronger_model(bench: Bench) -> None:
    cascade(bench, unreachable())
    definition = {"steps": [{**STEP, "retry": {"attempts": 1}}]}
    failed = await bench.run(definition)
    assert (failed.status, failed.usage.model_calls) == (Status.FAILED, 1)
    bench.model._script = lambda request: "Five."
    record = await bench.ended(await bench.begin(definition, retry_of=failed.id))
    assert (record.output, record.usage.model_calls) == ("Five.", 1)
    assert bench.model.keys == {"a#0": 1, "a#0.1": 2}


async def test_once_asked_the_stronger_model_goes_on_with_the_tools(bench: Bench, registered: dict[str, Any]) -> None:
    cascade(bench, calls(ADD), "It is 3.")
    record = await bench.ended(await begun(bench))
    assert (record.output, record.usage.model_calls) == ("It is 3.", 3)
    assert len(registered["add"]) == 1
    assert [asked.escalated for asked in bench.model.asked] == [False, True, True]
    assert bench.model.keys == {"s#0": 1, "s#0.1": 1, "s#0.2": 1}


async def test_a_cheap_one_whose_tools_have_answered_may_still_not_be_accepted(
    bench: Bench, registered: dict[str, Any]
) -> None:
    answers: list[Answer] = [calls(ADD), CHEAP, "It is 3."]
    bench.model._script = lambda request: answers[len(bench.model.asked) - 1]
    record = await bench.ended(await begun(bench))
    assert (record.output, record.usage.model_calls) == ("It is 3.", 3)
    assert len(registered["add"]) == 1
    assert bench.model.keys == {"s#0": 1, "s#1": 1, "s#1.1": 1}
    # It is told what the tools gave.
    assert [message["role"] for message in bench.model.asked[2].messages] == ["system", "user", "assistant", "tool"]


async def test_both_count_towards_a_budget(bench: Bench) -> None:
    cascade(bench, "Five.")
    record = await bench.run({"steps": [{**STEP, "budget": {"model_calls": 1}}]})
    assert record.error is not None
    assert (record.error.code, record.usage.model_calls) == (Code.BUDGET_EXCEEDED, 1)
