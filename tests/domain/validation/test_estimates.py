"""The most that a workflow can use."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.agents import Agent
from domain.validation import Known, Most, estimate
from domain.workflows import Workflow
from tests.domain.validation.samples import agent, both, chat, handoff, loop, of_steps, switch

SCHEMA = {"type": "object"}
PRICES = {"default": Decimal(2), "large": Decimal(10)}


def made(name: str, **more: Any) -> Agent:
    return Agent(name=name, instructions="x", **{"max_output_tokens": 100, **more})


INNER = Workflow.model_validate(of_steps(agent("a"), agent("b"), limits={"tokens": 150}))
OPEN = Workflow.model_validate(of_steps({"id": "m", "map": {"over": "input.x", "step": agent("a")}}))
KNOWN = Known(
    agents={
        "writer": made("writer"),
        "critic": made("critic", max_output_tokens=200, model="large"),
        "chair": made("chair"),
        "free": made("free", model="nobody-knows"),
        "shaped": made("shaped", output_schema=SCHEMA),
    },
    workflows={"inner": INNER, "open": OPEN},
)


def most(*steps: Any, **more: Any) -> Most:
    return estimate(Workflow.model_validate(of_steps(*steps, **more)), KNOWN, PRICES.get)


@pytest.mark.parametrize(
    ("steps", "calls"),
    [
        ([agent("a"), agent("b")], 2),
        ([agent("a", output_schema=SCHEMA), agent("b", agent="shaped")], 4),
        ([both("any", agent("a"), {"id": "s", "sequential": [agent("b"), agent("d")]})], 3),
        ([switch(("input.x", agent("a")), ("input.y", both()))], 2),
        ([loop(agent("a"), agent("b"), until="input.x")], 6),
        ([{"id": "t", "tool": "t"}, {"id": "w", "wait": {"for": "PT1S"}}, {"id": "q", "approval": {"ask": "?"}}], 0),
        ([{"id": "o", "workflow": "inner"}, {"id": "p", "workflow": "inner"}], 4),
        ([{"id": "o", "workflow": "open"}], None),
        ([{"id": "o", "workflow": "unknown"}], None),
        ([chat()], 6),
        ([chat(participants=["writer", {"human": "ann"}])], 6),
        ([chat(participants=[{"human": "bob"}, {"human": "ann"}])], 0),
        ([chat(speaker={"agent": "chair"})], 6 + 2 * 6),
        ([chat(view={"last": 4, "summary": "chair"})], 6 + 1),
        ([chat(view={"last": 1, "summary": "chair"}, views={"writer": {"last": 5, "summary": "critic"}})], 6 + 5 + 1),
        ([chat(view={"last": 6, "summary": "chair"})], 6),
        ([chat(until={"any": [{"turns": 9}, {"turns": 4}]})], 4),
        ([chat(until={"all": [{"turns": 9}, {"turns": 4}]})], 9),
        ([chat(until={"any": [{"turns": 7}, {"judged": {"agent": "chair", "question": "?", "every": 3}}]})], 7 + 2 * 2),
        ([chat(until={"any": [{"says": "X"}, {"time": "PT1H"}]})], None),
        ([chat(until={"any": [{"budget": {"model_calls": 5}}]})], 5),
        ([handoff({"writer": ["critic"]})], 2 + 1),
        ([handoff({"writer": ["critic"], "critic": ["writer"]}, most=3)], 3 * 2 + 1),
        ([agent("a"), {"id": "m", "map": {"over": "input.x", "step": agent("b")}}], None),
        ([agent("a"), {"id": "m", "map": {"over": "[1, 2, 3]", "step": agent("b")}}], 4),
        ([{"id": "m", "map": {"over": "input.x", "step": {"id": "w", "wait": {"for": "PT1S"}}}}], 0),
    ],
)
def test_the_most_model_calls(steps: list[Any], calls: int | None) -> None:
    assert most(*steps).model_calls == calls


def test_tokens_and_dollars_are_those_of_the_answers() -> None:
    assert most(agent("a"), agent("b", agent="critic")) == Most(2, 300, Decimal("0.0022"))
    assert most(chat(speaker={"agent": "chair"})) == Most(18, 6 * 200 + 12 * 100, Decimal("0.0144"))


def test_a_price_that_is_not_known_leaves_the_dollars_open() -> None:
    assert most(agent("a"), agent("b", agent="free")) == Most(2, 200, None)


def test_caps_bound_what_is_known_and_what_is_not() -> None:
    every = {"id": "m", "map": {"over": "input.x", "step": agent("b")}}
    assert most(every, limits={"model_calls": 7, "cost_usd": "0.5"}) == Most(7, None, Decimal("0.5"))
    assert most(agent("a"), {**every, "budget": {"tokens": 1_000}}) == Most(None, 1_100, None)
    assert most(agent("a"), limits={"model_calls": 50}).model_calls == 1
    assert most({"id": "o", "workflow": "inner"}).tokens_out == 150


def test_the_schema_of_the_input_may_bound_a_list() -> None:
    listed = {"properties": {"x": {"type": "array", "maxItems": 5}, "y": {"maxItems": 5}}}
    assert most({"id": "m", "map": {"over": "input.x", "step": agent("b")}}, input=listed).model_calls == 5
    assert most({"id": "m", "map": {"over": "input.y", "step": agent("b")}}, input=listed).model_calls is None
    assert most({"id": "m", "map": {"over": "input.x + input.x", "step": agent("b")}}, input=listed).model_calls is None
