"""Sequence, branches, map, condition and retries, through five kills of the host; tests/long has two hundred."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from domain.events import Event, EventType
from meta_agents.results import Execution
from tests.crash.killing import kill_at_random_moments, logs_on_disk
from tests.crash.system import System
from tests.crash.truth import Ordeal
from tests.crash.workflows import AGENTS, CALLS, ITEMS, SKIPPED, mixed, mixed_input

KILLS = 5
SEED = 10
MOST_MS = 100


@dataclass(frozen=True)
class Killed:
    ordeal: Ordeal
    record: Execution
    peaceful: list[Event]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """The execution that was killed, and the log of the same one left in peace."""
    with System(tmp_path_factory.mktemp("mixed")) as system:
        system.agents(*AGENTS)
        start = system.client.executions.start
        id = start(mixed("tea"), mixed_input()).id
        chance = random.Random(SEED)
        kills = kill_at_random_moments(system, [id], chance.sample(range(CALLS), KILLS), chance, MOST_MS)
        record, stub = system.ended(id), system.stub.log()
        peaceful = system.ended(start(mixed("tea"), mixed_input()).id).id
        system.host.kill()
        logs = logs_on_disk(system.host.state_dir, [id, peaceful])
        yield Killed(Ordeal(id, logs[id], kills, stub), record, logs[peaceful])


def answers(log: list[Event]) -> dict[str, str]:
    return {event.data["call"]: event.value for event in log if event.type is EventType.CALL_COMPLETED}


def steps_of(log: list[Event], type: EventType) -> list[str]:
    return sorted(event.step or "" for event in log if event.type is type)


def test_it_keeps_every_promise(killed: Killed) -> None:
    print(killed.ordeal.summary())
    assert any(killed.ordeal.cut_off())
    killed.ordeal.require_all()


def test_each_call_and_its_answer_is_that_of_an_execution_left_in_peace(killed: Killed) -> None:
    assert answers(killed.ordeal.log) == answers(killed.peaceful)
    assert len(killed.ordeal.calls()) == killed.record.usage.model_calls == CALLS


def test_the_result_is_the_same_too(killed: Killed) -> None:
    assert killed.record.status == "completed"
    assert killed.record.output == killed.peaceful[-1].value


def test_each_step_ended_once(killed: Killed) -> None:
    for type in (EventType.STEP_STARTED, EventType.STEP_COMPLETED, EventType.STEP_SKIPPED):
        assert steps_of(killed.ordeal.log, type) == steps_of(killed.peaceful, type)
    assert steps_of(killed.ordeal.log, EventType.STEP_SKIPPED) == [SKIPPED]
    assert f"each[{len(ITEMS) - 1}]" in steps_of(killed.ordeal.log, EventType.STEP_COMPLETED)


def test_the_models_failures_were_survived_beside_the_hosts(killed: Killed) -> None:
    refused = {entry.mode for entry in killed.ordeal.requests()}
    assert refused == {"ok", "down", "rate_limit"}
