"""An execution that failed is retried once the model is back, and nothing that was finished is paid for again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from meta_agents import ApiError
from meta_agents.results import Event
from tests.crash.system import System

RETRY = {"attempts": 2, "first_delay": "PT0.1S"}
DOWN = "[[stub:down 2]]"
"""Fails as often as the policy tries, then no more."""


@dataclass(frozen=True)
class Case:
    """A workflow that fails at the call `failing`, when those of `finished` are done and those of `left` are not."""

    workflow: dict[str, Any]
    finished: set[str]
    failing: str
    left: set[str]
    answers: tuple[str, ...] = ()


def agent(id: str, input: str) -> dict[str, Any]:
    return {"id": id, "agent": "writer", "input": input, "retry": RETRY}


def chat(turns: int) -> dict[str, Any]:
    rules = {"participants": ["writer", "critic"], "task": "Agree.", "until": {"any": [{"turns": turns}]}}
    return {"id": "chat", "group_chat": rules, "retry": RETRY}


CASES = {
    "sequence": Case(
        {
            "name": "sequence",
            "steps": [
                agent("first", "Begin."),
                agent("second", f"{DOWN} Go on from ${{steps.first.output}}."),
                agent("third", "End ${steps.second.output}."),
            ],
        },
        finished={"first#0"},
        failing="second#0",
        left={"third#0"},
    ),
    "branches": Case(
        {
            "name": "branches",
            "steps": [
                {"id": "all", "concurrent": [agent("a", "Look."), agent("b", f"{DOWN} Look."), agent("c", "Listen.")]},
                agent("sum", "Sum up ${steps.all.output}."),
            ],
        },
        finished={"all/a#0", "all/c#0"},
        failing="all/b#0",
        left={"sum#0"},
    ),
    # What is said in the second turn is in the view of the third.
    "chat": Case(
        {"name": "chat", "steps": [chat(turns=3)]},
        finished={"chat/turn[1]#0", "chat/turn[2]#0"},
        failing="chat/turn[3]#0",
        left=set(),
        answers=("Well.", f"{DOWN} Indeed."),
    ),
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("retrying"), latency=0) as system:
        system.agents("writer", "critic")
        yield system


def log_of(system: System, execution: str) -> list[Event]:
    return list(system.client.executions.events(execution).events)


def answers_in(log: list[Event]) -> dict[str, Event]:
    return {event.data["call"]: event for event in log if event.type == "call.completed"}


def asked(system: System, execution: str) -> list[str]:
    """The calls of an execution that the model was asked for, each as often as it was."""
    keys = [(entry.idempotency_key or "").partition(":") for entry in system.stub.log("start")]
    return sorted(key for id, _, key in keys if id == execution)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_retry_reuses_what_was_finished(system: System, case: Case) -> None:
    client = system.client
    system.stub.control(answers=list(case.answers))
    failed = system.ended(client.executions.start(case.workflow).id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "model_unreachable"
    assert asked(system, failed.id) == sorted([*case.finished, case.failing, case.failing])
    assert answers_in(log_of(system, failed.id)).keys() == case.finished

    retried = system.ended(client.executions.retry(failed.id).id)
    assert (retried.status, retried.retry_of) == ("completed", failed.id)
    assert asked(system, retried.id) == sorted([case.failing, *case.left])
    answers, before = answers_in(log_of(system, retried.id)), answers_in(log_of(system, failed.id))
    assert answers.keys() == case.finished | {case.failing} | case.left
    assert {key for key, event in answers.items() if event.data.get("reused_from") == failed.id} == case.finished
    assert {key: answers[key].value for key in case.finished} == {key: event.value for key, event in before.items()}
    assert retried.usage.model_calls == 1 + len(case.left)


def test_a_completed_execution_cannot_be_retried(system: System) -> None:
    completed = system.ended(system.client.executions.start({"name": "one", "steps": [agent("only", "Say.")]}).id)
    calls = len(system.stub.log())
    with pytest.raises(ApiError, match="only a failed or canceled one") as refused:
        system.client.executions.retry(completed.id)
    assert (refused.value.status, refused.value.code) == (409, "conflict")
    assert len(system.stub.log()) == calls
