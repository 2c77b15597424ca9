"""The replay cache: a copy that may be lost at any time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.database import open_database
from devhost.engine.history import EventType, orchestrator_started, timer_created
from devhost.engine.memory import Memory, ReplayCache
from devhost.engine.records import Instance
from devhost.engine.store import Store
from tests.devhost.engine.conftest import Bench


def instance(instance_id: str, execution_id: str = "e") -> Instance:
    return Instance(
        id=instance_id,
        name="n",
        version=None,
        execution_id=execution_id,
        status="Running",
        input=None,
        output=None,
        custom_status=None,
        custom_inherited=False,
        created="",
        updated="",
        parent=None,
        events=0,
        next_id=0,
        last_turn="",
        ended_turn=None,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    connection = open_database(tmp_path / "state.db")
    yield Store(connection)
    connection.close()


def test_a_memory_holds_only_what_the_sdk_reads() -> None:
    memory = Memory("e")
    started = orchestrator_started("now")
    memory.add_events([started, timer_created("now", 1, "then")])
    assert memory.events == [started.text]
    assert memory.size == len(started.text)


def test_a_lost_memory_is_read_back(store: Store) -> None:
    events = [orchestrator_started("now"), timer_created("now", 1, "then"), orchestrator_started("later")]
    store.append_history("a", 0, events)
    memory = ReplayCache(store).take(instance("a"))
    assert memory.events == [event.text for event in events if event.type == EventType.ORCHESTRATOR_STARTED]


def test_a_memory_of_another_generation_is_not_used(store: Store) -> None:
    cache = ReplayCache(store)
    cache.keep("a", Memory("old", events=["old"], size=3))
    assert cache.take(instance("a", "new")).events == []


def test_the_least_recent_goes_when_there_is_too_much(store: Store) -> None:
    cache = ReplayCache(store, max_characters=10)
    memories = {name: Memory("e", events=["x" * 4], size=4) for name in "abc"}
    for name, memory in memories.items():
        cache.keep(name, memory)
    assert cache.take(instance("a")) is not memories["a"]
    assert cache.take(instance("b")) is memories["b"]
    assert cache.take(instance("c")) is memories["c"]


async def test_losing_memories_at_random_changes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(1)
    keep = ReplayCache.keep

    def forgetful(self: ReplayCache, instance_id: str, memory: Memory) -> None:
        if dice.random() < 0.5:
            keep(self, instance_id, memory)

    monkeypatch.setattr(ReplayCache, "keep", forgetful)

    @bench.app.activity
    def add(value: int) -> int:
        return value + 1

    @bench.app.orchestrator
    def chain(context: df.DurableOrchestrationContext) -> Any:
        value = 0
        for _ in range(20):
            value = yield context.call_activity("add", value)
        return value

    assert await bench.result("chain") == 20
