"""Clocks that jump, and very many timers."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.sdk_app import SdkApp
from tests.devhost.engine.conftest import Bench, ManualClock, event_types, events, eventually

MANY = 1000
INSTANCES = 10


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:
    @app.activity
    def work(value: Any) -> Any:
        return value

    @app.orchestrator
    def naps(context: df.DurableOrchestrationContext) -> Any:
        yield context.wait_for_external_event("go")
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.call_activity("work")
        return str(context.current_utc_datetime)

    @app.orchestrator
    def waits(context: df.DurableOrchestrationContext) -> Any:
        begin = context.current_utc_datetime
        timers = [context.create_timer(begin + timedelta(days=1, seconds=n)) for n in range(MANY)]
        yield context.task_all(timers)
        return (yield context.call_activity("work", len(timers)))


async def test_a_clock_set_back_moves_no_instance_back(still: Bench, clock: ManualClock) -> None:
    began = clock.time
    instance_id = await still.begin("naps")
    await still.settle()
    clock.advance(hours=-3)
    await still.engine.raise_event(instance_id, "go", None)
    waiting = await still.until(instance_id, lambda status: 10 in event_types(status))
    due = datetime.fromisoformat(next(event["FireAt"] for event in events(waiting) if event["EventType"] == 10))
    assert due == began + timedelta(hours=1)  # an hour of the instance's own time, which stood still meanwhile

    await still.restart()
    clock.advance(hours=3, minutes=59)
    await still.settle()
    status = await still.engine.get_status(instance_id)
    assert status is not None
    assert status.runtime_status == "Running"

    clock.advance(minutes=1)
    ended = await still.end_of(instance_id)
    stamps = [event["Timestamp"] for event in events(ended)]
    assert stamps == sorted(stamps)
    assert json.loads(ended.output or "") == str(began + timedelta(hours=1))


async def test_a_clock_set_forward_is_noticed_without_being_asked(
    still: Bench, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devhost.engine.loop._LONGEST_SLEEP_SECONDS", 0.05)
    instance_id = await still.begin("naps")
    await still.engine.raise_event(instance_id, "go", None)
    await still.until(instance_id, lambda status: 10 in event_types(status))
    clock.advance(hours=1)
    await eventually(lambda: still.app.calls == [("work", None)])  # asking the engine would wake it


async def test_ten_thousand_timers_cost_nothing_while_they_wait_and_all_fire(still: Bench, clock: ManualClock) -> None:
    ids = [await still.begin("waits") for _ in range(INSTANCES)]
    await eventually(lambda: still.app.turns.count("waits") == INSTANCES)
    await still.settle()

    began = time.process_time()
    await still.restart()
    assert await still.engine.get_status(ids[0]) is not None
    started = time.process_time() - began
    idle = time.process_time()
    await asyncio.sleep(0.5)
    idle = time.process_time() - idle
    print(f"{MANY * INSTANCES} timers: start {started * 1000:.0f} ms of CPU, {idle * 200:.1f} % of a core while idle")
    assert started < 2
    assert idle < 0.05

    clock.advance(days=2)
    await still.settle()
    await eventually(lambda: still.app.calls == [("work", MANY)] * INSTANCES, within=60)
    assert [(await still.end_of(instance_id)).output for instance_id in ids] == [str(MANY)] * INSTANCES
