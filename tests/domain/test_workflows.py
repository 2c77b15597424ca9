"""The workflow language accepts what the documents show and refuses everything else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from domain.agents import Agent
from domain.policies import Fallback, Retry
from domain.steps import AgentStep, ConcurrentStep, GroupChatStep, MapStep, SequentialStep
from domain.workflows import Workflow, agents_used, sources_in, walk

EXAMPLES = Path(__file__).parents[2] / "examples"


def workflow(*steps: dict[str, Any], **fields: Any) -> Workflow:
    return Workflow.model_validate({"name": "w", "steps": list(steps), **fields})


def test_each_kind_of_step_is_recognised_by_its_key() -> None:
    chat = {"participants": ["a", "b"], "task": "t", "until": {"any": [{"turns": 2}]}}
    made = workflow(
        {"id": "one", "agent": "writer"},
        {"id": "two", "sequential": [{"id": "in", "agent": "writer"}]},
        {"id": "three", "concurrent": {"branches": [{"id": "b", "agent": "writer"}]}},
        {"id": "four", "map": {"over": "input.items", "step": {"id": "each", "agent": "writer@3"}}},
        {"id": "five", "group_chat": chat},
    )
    assert [type(step) for step in made.steps] == [AgentStep, SequentialStep, ConcurrentStep, MapStep, GroupChatStep]
    assert [step.id for step in walk(made.steps)] == ["one", "two", "in", "three", "b", "four", "each", "five"]
    assert agents_used(made) == ["writer", "writer@3", "a", "b"]


def test_concurrent_takes_a_plain_list_of_branches() -> None:
    made = workflow({"id": "c", "concurrent": [{"id": "b", "agent": "writer"}]})
    assert [branch.id for branch in made.steps[0].children()] == ["b"]


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ({"id": "x"}, "exactly one of these keys"),
        ({"id": "x", "agent": "a", "map": {}}, "exactly one of these keys"),
        ({"id": "x", "agent": "a", "inptu": "hi"}, "Extra inputs"),
        ({"id": "x", "agent": "A b"}, "pattern"),
        ({"id": "x/y", "agent": "a"}, "pattern"),
        ({"id": "x", "agent": "a", "retry": {"attempts": 0}}, "greater than or equal to 1"),
        ({"id": "x", "agent": "a", "retry": {"first_delay": "PT0S"}}, "longer than zero"),
        ({"id": "x", "sequential": []}, "at least 1 item"),
        (
            {"id": "x", "group_chat": {"participants": ["a"], "task": "t", "until": {"any": [{"turns": 1}]}}},
            "at least 2",
        ),
        (
            {"id": "x", "group_chat": {"participants": ["a", "b"], "task": "t", "until": {"any": [{"tuns": 1}]}}},
            "exactly one of these keys is needed: turns, says, agreed, holds",
        ),
    ],
)
def test_a_malformed_step_is_refused(step: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        workflow(step)


def test_a_definition_reads_back_the_same_from_its_smallest_json() -> None:
    for path in sorted((EXAMPLES / "workflows").glob("*.yaml")):
        made = Workflow.model_validate(yaml.safe_load(path.read_text()))
        assert Workflow.model_validate(made.model_dump(mode="json", exclude_defaults=True)) == made


def test_the_examples_use_only_agents_that_are_there() -> None:
    agents = {Agent.model_validate(yaml.safe_load(path.read_text())).name for path in (EXAMPLES / "agents").iterdir()}
    for path in sorted((EXAMPLES / "workflows").glob("*.yaml")):
        assert set(agents_used(Workflow.model_validate(yaml.safe_load(path.read_text())))) <= agents


def test_waits_grow_up_to_the_limit_and_obey_a_longer_wish() -> None:
    retry = Retry(first_delay=timedelta(seconds=2), backoff=3, max_delay=timedelta(seconds=10))
    assert [retry.delay(n, None).total_seconds() for n in (1, 2, 3)] == [2, 6, 10]
    assert retry.delay(1, 30).total_seconds() == 30
    assert retry.delay(3, 1).total_seconds() == 10


def test_a_fallback_is_any_value() -> None:
    step = workflow({"id": "x", "agent": "a", "on_error": {"fallback": {"score": 0}}}).steps[0]
    assert step.on_error == Fallback(fallback={"score": 0})


def test_every_expression_of_a_step_is_found() -> None:
    chat = {"participants": ["a", "b"], "task": "T", "until": {"any": [{"turns": 2}, {"holds": "H"}]}}
    step = workflow(
        {"id": "m", "when": "W", "map": {"over": "O", "step": {"id": "s", "sequential": [
            {"id": "i", "agent": "a", "input": "I"}, {"id": "c", "group_chat": chat}]}}}
    ).steps[0]  # fmt: skip
    assert sources_in(step) == ["W", "O", "I", "T", "H"]
