"""Stopping and starting the engine on the same state file."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.engine import SqliteEngine
from devhost.engine.errors import EngineStopped
from devhost.engine.options import EngineOptions
from devhost.engine.sdk_app import SdkApp
from tests.devhost.engine.conftest import Bench, ManualClock, event_types, eventually


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:
    @app.activity
    def work(value: Any) -> Any:
        return value

    @app.orchestrator
    def sleeps_then_works(context: df.DurableOrchestrationContext) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(days=7))
        return (yield context.call_activity("work", "rested"))

    @app.orchestrator
    def calls_stuck(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.task_all([context.call_activity("stuck", i) for i in range(3)]))


async def test_a_timer_that_fell_due_while_stopped_fires_at_the_start(still: Bench, clock: ManualClock) -> None:
    instance_id = await still.begin("sleeps_then_works")
    await still.until(instance_id, lambda status: 10 in event_types(status))
    await still.stop()
    clock.advance(days=8)
    await still.start()
    assert (await still.end_of(instance_id)).output == '"rested"'


async def test_a_timer_still_to_come_is_armed_again(still: Bench, clock: ManualClock) -> None:
    instance_id = await still.begin("sleeps_then_works")
    await still.until(instance_id, lambda status: 10 in event_types(status))
    await still.restart()
    clock.advance(days=7)
    assert (await still.end_of(instance_id)).output == '"rested"'


async def test_work_cut_short_by_a_stop_is_done_again_and_not_held_against_it(bench: Bench) -> None:
    started: list[int] = []
    free = asyncio.Event()

    async def stuck(value: int) -> int:
        started.append(value)
        await free.wait()
        return value

    bench.app.activity(stuck)
    bench.options = EngineOptions(stop_grace_seconds=0, max_starts=1)
    await bench.restart()
    instance_id = await bench.begin("calls_stuck")
    for times in (1, 2, 3):
        await eventually(lambda wanted=3 * times: len(started) == wanted)  # type: ignore[misc]
        await bench.restart()
    free.set()
    assert json.loads((await bench.end_of(instance_id)).output or "") == [0, 1, 2]


async def test_a_stop_lets_running_work_end(bench: Bench) -> None:
    entered = asyncio.Event()

    async def stuck(value: int) -> int:
        entered.set()
        await asyncio.sleep(0.05)
        return value

    bench.app.activity(stuck)
    bench.options = EngineOptions(stop_grace_seconds=5)
    await bench.restart()
    instance_id = await bench.begin("calls_stuck")
    await entered.wait()
    await bench.restart()
    assert json.loads((await bench.end_of(instance_id)).output or "") == [0, 1, 2]
    assert len(bench.app.calls) == 3


async def test_stopping_twice_is_fine(bench: Bench) -> None:
    await bench.engine.stop()
    await bench.engine.stop()


async def test_a_state_file_that_fails_stops_the_engine_with_a_clear_error(bench: Bench) -> None:
    instance_id = await bench.begin("sleeps_then_works")
    await bench.until(instance_id, lambda status: 10 in event_types(status))
    engine: SqliteEngine = bench.engine

    def sabotage(kernel: Any) -> None:
        kernel.store.connection.execute("DROP TABLE history")

    await engine._do(sabotage)
    with pytest.raises(EngineStopped, match="no such table: history"):
        await engine.get_status(instance_id, show_history=True)
    with pytest.raises(EngineStopped, match="has failed"):
        await engine.get_status(instance_id)
