"""Orchestrators kept alive between turns: the same outcome as by replay, for less."""

from __future__ import annotations

from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine import sessions
from devhost.engine.history import EventType
from devhost.engine.options import EngineOptions
from devhost.engine.sessions import Session
from tests.devhost.engine.conftest import Bench


@pytest.fixture(autouse=True)
def chain(bench: Bench) -> None:
    @bench.app.activity
    def add(value: int) -> int:
        return value + 1

    @bench.app.orchestrator
    def count(context: df.DurableOrchestrationContext) -> Any:
        value, seen = 0, []
        for _ in range(20):
            value = yield context.call_activity("add", value)
            seen.append(str(context.new_uuid()))
        return [value, len(set(seen)), len(context.histories) > 20, context.is_replaying]


async def test_a_chain_is_replayed_at_few_of_its_turns(bench: Bench) -> None:
    assert await bench.result("count") == [20, 20, True, False]
    assert len(bench.app.turns) == len({1, 2, 8})


async def test_once_its_code_is_known_well_only_long_ones_are(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_SCRUTINISED", 1)
    await bench.result("count")
    bench.app.turns.clear()
    assert await bench.result("count") == [20, 20, True, False]
    assert len(bench.app.turns) == 1


async def test_switched_off_every_turn_is_a_replay(bench: Bench) -> None:
    await bench.stop()
    bench.options = EngineOptions.from_host_json({"extensions": {"durableTask": {"extendedSessionsEnabled": False}}})
    await bench.start()
    assert await bench.result("count") == [20, 20, True, False]
    assert len(bench.app.turns) == 21


async def test_a_session_that_cannot_go_on_leaves_the_turn_to_a_replay(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Session, events: list[str]) -> None:
        raise RuntimeError("of the SDK's own")

    monkeypatch.setattr(Session, "_resume", broken)
    assert (await bench.result("count"))[0] == 20
    assert len(bench.app.turns) == 21


async def test_an_orchestrator_that_raises_in_a_session_says_so_as_by_replay(bench: Bench) -> None:
    @bench.app.orchestrator
    def fails(context: df.DurableOrchestrationContext) -> Any:
        for number in range(4):
            yield context.call_activity("add", number)
        raise ValueError("four were enough")

    assert await bench.failure("fails") == "Orchestrator function 'fails' failed: four were enough"


async def test_an_orchestrator_that_asks_its_history_is_run_anew_each_turn(bench: Bench) -> None:
    """The SDK's wrapper of the OpenAI Agents SDK does so: what is not there yet is yielded, and that turn is over."""

    @bench.app.orchestrator
    def asks(context: df.DurableOrchestrationContext) -> Any:
        results: list[Any] = []
        for number in range(12):
            task = context.call_activity("add", number)
            there = [event for event in context.histories if event.event_type == EventType.TASK_COMPLETED]
            if len(there) <= number:
                yield task
                return "nobody comes back here"
            results.append((yield task))
        return results

    assert await bench.result("asks") == list(range(1, 13))


async def test_a_timer_canceled_in_a_session_is_canceled(bench: Bench) -> None:
    @bench.app.orchestrator
    def hurried(context: df.DurableOrchestrationContext) -> Any:
        far = context.current_utc_datetime.replace(year=2100)
        for _ in range(3):
            yield context.call_activity("add", 1)
        timer = context.create_timer(far)
        winner = yield context.task_any([context.call_activity("add", 41), timer])
        timer.cancel()
        return winner.result

    assert await bench.result("hurried") == 42


async def test_values_that_json_changes_are_changed_as_by_replay(bench: Bench) -> None:
    @bench.app.orchestrator
    def shapes(context: df.DurableOrchestrationContext) -> Any:
        for number in range(3):
            yield context.call_activity("add", number)
        context.set_custom_status({1: (2, 3)})
        yield context.call_activity("add", 1)
        return {1: (2, 3), "text": "…"}

    status = await bench.end_of(await bench.begin("shapes"))
    assert (status.output, status.custom_status) == ('{"1": [2, 3], "text": "\\u2026"}', '{"1": [2, 3]}')
