"""Our side's workflows are valid ones, and the stub does what both sides rely on."""

import asyncio
import json
from pathlib import Path

import pytest

from bench.http_stub import chunks
from bench.stub import ANSWER, Stub
from bench.workloads import ALL, PARK, Workload, agents, definition, parking, task
from domain.agents import Agent
from domain.workflows import Workflow, agents_used


@pytest.mark.parametrize("work", ALL, ids=lambda work: work.name)
def test_each_workload_is_a_workflow_of_known_agents(work: Workload) -> None:
    workflow = Workflow.model_validate(definition(work.kind, work.size))
    assert set(agents_used(workflow)) <= {Agent.model_validate(agent).name for agent in agents()}
    assert len(task(work.kind, work.size)["parts"]) == (work.size if work.kind == "fan_out" else 0)


def test_names_tell_workloads_apart() -> None:
    assert len({work.name for work in ALL}) == len(ALL)


def test_the_waiting_workflow_asks_what_the_stub_refuses() -> None:
    step = Workflow.model_validate(parking()).steps[0]
    assert step.retry is not None
    assert step.retry.first_delay.total_seconds() == 3_600
    assert parking()["steps"][0]["input"] == PARK


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_LATENCY", "0")
    monkeypatch.setenv("BENCH_CALLS", str(tmp_path / "calls"))
    monkeypatch.delenv("BENCH_QUICK", raising=False)
    return tmp_path / "calls"


def test_the_stub_notes_start_and_end_of_each_call(log: Path) -> None:
    assert asyncio.run(Stub().answer("one key")) == ANSWER
    assert [line.split(" ", 1)[1] for line in log.read_text().splitlines()] == ["start one key", "end one key"]


def test_the_streamed_answer_is_the_protocol() -> None:
    *parts, last = chunks("words")
    assert last == "data: [DONE]\n\n"
    bodies = [json.loads(part.removeprefix("data: ")) for part in parts]
    assert bodies[0]["choices"][0]["delta"]["content"] == "words"
    assert bodies[1]["choices"][0]["finish_reason"] == "stop"
    assert bodies[2]["usage"]["total_tokens"] == 180
