"""Timers, races against them, and what an instance waits for at its end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.options import EngineOptions
from devhost.engine.records import TaskKey
from devhost.engine.sdk_app import SdkApp
from devhost.engine.timers import Timers
from tests.devhost.engine.conftest import Bench, ManualClock, event_types, events


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:
    @app.activity
    def quick(value: Any) -> str:
        return "quick"

    @app.orchestrator
    def nap(context: df.DurableOrchestrationContext) -> Any:
        before = context.current_utc_datetime
        yield context.create_timer(before + timedelta(days=context.get_input()))
        return (context.current_utc_datetime - before).total_seconds()

    @app.orchestrator
    def race(context: df.DurableOrchestrationContext) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        work = context.call_activity("quick")
        winner = yield context.task_any([timer, work])
        if context.get_input() == "cancel":
            timer.cancel()
        return winner.result

    @app.orchestrator
    def canceled_at_once(context: df.DurableOrchestrationContext) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        timer.cancel()
        yield context.task_any([timer, context.call_activity("quick")])
        return "done"


async def test_a_timer_fires_when_its_time_has_come_and_not_before(still: Bench, clock: ManualClock) -> None:
    instance_id = await still.begin("nap", 30)
    await still.until(instance_id, lambda status: 10 in event_types(status))
    clock.advance(days=29, hours=23)
    await still.settle()
    status = await still.engine.get_status(instance_id)
    assert status is not None
    assert status.runtime_status == "Running"
    clock.advance(hours=1)
    assert (await still.end_of(instance_id)).output == str(30 * 86400.0)


async def test_a_timer_in_the_past_fires_at_once(still: Bench) -> None:
    assert await still.result("nap", -1) == 0.0


async def test_the_engine_wakes_by_itself_for_a_timer(bench: Bench) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def short(context: df.DurableOrchestrationContext) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=50))
        loop.call_soon_threadsafe(ended.set)

    bench.app.orchestrator(short)
    await bench.begin("short")
    async with asyncio.timeout(5):
        await ended.wait()


async def test_a_canceled_timer_is_forgotten(still: Bench, clock: ManualClock) -> None:
    status = await still.end_of(await still.begin("race", "cancel"))
    assert status.output == '"quick"'
    assert 11 not in event_types(status)


async def test_a_timer_canceled_before_it_was_yielded_is_never_armed(still: Bench) -> None:
    status = await still.end_of(await still.begin("canceled_at_once"))
    assert [event["EventId"] for event in events(status) if event["EventType"] in (4, 10)] == [0, 1]


async def test_an_instance_that_forgot_a_timer_stays_running_until_it_fires(still: Bench, clock: ManualClock) -> None:
    instance_id = await still.begin("race")
    await still.until(instance_id, lambda status: 5 in event_types(status))
    await still.settle()
    status = await still.engine.get_status(instance_id)
    assert status is not None
    assert status.runtime_status == "Running"
    clock.advance(hours=2)
    assert (await still.end_of(instance_id)).output == '"quick"'


async def test_an_instance_may_be_made_to_end_at_once(still: Bench) -> None:
    still.options = EngineOptions(wait_for_open_tasks=False)
    await still.restart()
    assert await still.result("race") == "quick"


async def test_time_never_runs_backwards_in_an_instance(still: Bench, clock: ManualClock) -> None:
    def two_turns(context: df.DurableOrchestrationContext) -> Any:
        before = context.current_utc_datetime
        yield context.wait_for_external_event("go")
        return (context.current_utc_datetime - before).total_seconds()

    still.app.orchestrator(two_turns)
    instance_id = await still.begin("two_turns")
    await still.until(instance_id, lambda status: 13 in event_types(status))
    clock.advance(hours=-3)
    await still.engine.raise_event(instance_id, "go", None)
    assert (await still.end_of(instance_id)).output == "0.0"


class TestHeap:
    def key(self, task_id: int) -> TaskKey:
        return TaskKey("instance", "execution", task_id)

    def test_due_timers_come_in_time_order(self) -> None:
        timers = Timers()
        for task_id, due in ((1, "c"), (2, "a"), (3, "b"), (4, "d")):
            timers.arm(self.key(task_id), due)
        assert timers.next_due() == "a"
        assert [key.task_id for key in timers.pop_due("c")] == [2, 3, 1]
        assert timers.next_due() == "d"

    def test_disarmed_timers_never_come(self) -> None:
        timers = Timers()
        timers.arm(self.key(1), "a")
        timers.arm(self.key(2), "b")
        timers.disarm(self.key(1))
        assert timers.next_due() == "b"
        assert [key.task_id for key in timers.pop_due("z")] == [2]
        assert timers.next_due() is None

    def test_disarmed_timers_do_not_pile_up(self) -> None:
        timers = Timers()
        for task_id in range(1000):
            timers.arm(self.key(task_id), f"{task_id:04}")
            timers.disarm(self.key(task_id - 1))
        assert len(timers._heap) <= 65
        assert timers.next_due() == "0999"
