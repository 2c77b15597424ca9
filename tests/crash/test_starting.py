"""Killing the host while an execution is being started: what was accepted runs, and runs once."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from meta_agents import MetaAgentsError
from meta_agents.results import Execution
from tests.crash.system import System

KILLS = 5
SEED = 8
WORKFLOW = {"name": "one", "steps": [{"id": "say", "agent": "writer", "input": "Say ${input.word}."}]}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with System(tmp_path) as system:
        system.agents("writer")
        yield system


def test_a_start_repeated_with_its_key_is_one_execution_whenever_the_host_was_killed(system: System) -> None:
    chance = random.Random(SEED)
    kept, lost = [], 0
    with ThreadPoolExecutor(1) as sender:
        for number in range(KILLS):
            first = sender.submit(start, system, number)
            time.sleep(chance.uniform(0, 0.5))  # the random moment itself
            system.host.kill()
            accepted = answer_of(first)
            system.host.start()
            kept.append(start(system, number))
            lost += accepted is None
            assert accepted is None or accepted.id == kept[-1].id
    print(f"{KILLS} kills, {lost} of them before the start was answered")
    records = [system.ended(execution.id) for execution in kept]
    assert [record.status for record in records] == ["completed"] * KILLS
    assert {item.id for item in system.client.executions.list()} == {record.id for record in records}
    asked = {entry.idempotency_key for entry in system.stub.log("sent")}
    assert asked == {f"{record.id}:say#0" for record in records}


def start(system: System, number: int) -> Execution:
    return system.client.executions.start(WORKFLOW, {"word": f"word {number}"}, idempotency_key=f"start-{number}")


def answer_of(sent: Future[Execution]) -> Execution | None:
    try:
        return sent.result()
    except MetaAgentsError:
        return None


def test_an_accepted_execution_runs_although_nobody_asks_for_it_again(system: System) -> None:
    accepted = system.client.executions.start(WORKFLOW, {"word": "once"})
    system.host.kill()
    system.host.start()
    assert system.ended(accepted.id).output
