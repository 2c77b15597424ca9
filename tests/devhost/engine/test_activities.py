"""Chains, fan-out, failures and retries of activities."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.engine import SqliteEngine
from devhost.engine.options import EngineOptions
from devhost.engine.sdk_app import SdkApp
from tests.devhost.engine.conftest import Bench, ManualClock, event_types, events, eventually


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:
    @app.activity
    def double(value: int) -> int:
        return value * 2

    @app.activity
    def broken(value: Any) -> None:
        raise ValueError(f"no {value}")

    @app.orchestrator
    def chain(context: df.DurableOrchestrationContext) -> Any:
        value = context.get_input()
        for _ in range(4):
            value = yield context.call_activity("Double", value)
        return value

    @app.orchestrator
    def fan_out(context: df.DurableOrchestrationContext) -> Any:
        results = yield context.task_all([context.call_activity("double", i) for i in range(context.get_input())])
        return sum(results)

    @app.orchestrator
    def catches(context: df.DurableOrchestrationContext) -> Any:
        try:
            yield context.call_activity("broken", "luck")
        except Exception as error:
            return str(error)

    @app.orchestrator
    def calls_nobody(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("nobody", 1)


async def test_a_chain_passes_results_on(bench: Bench) -> None:
    assert await bench.result("chain", 3) == 48
    assert bench.app.calls == [("Double", 3), ("Double", 6), ("Double", 12), ("Double", 24)]


async def test_history_tells_the_whole_story_in_order(bench: Bench) -> None:
    status = await bench.end_of(await bench.begin("chain", 1))
    assert event_types(status) == [12, 0, 4, 13] + [12, 5, 4, 13] * 3 + [12, 5, 1, 13]
    assert [event["EventId"] for event in events(status) if event["EventType"] == 4] == [0, 1, 2, 3]
    assert status.input == '"1"'
    assert status.output == "16"


async def test_fan_out_collects_in_order(bench: Bench) -> None:
    assert await bench.result("fan_out", 100) == 9900


async def test_a_failure_is_raised_in_user_code_with_its_reason(bench: Bench) -> None:
    assert (await bench.result("catches")).startswith("Activity function 'broken' failed:  ValueError: no luck")


async def test_an_unknown_activity_fails_the_caller_and_lists_the_known(bench: Bench) -> None:
    message = await bench.failure("calls_nobody")
    assert "Orchestrator function 'calls_nobody' failed" in message
    assert "The function 'nobody' doesn't exist" in message
    assert "double" in message


async def test_no_more_activities_run_at_once_than_allowed(bench: Bench) -> None:
    running: list[int] = []
    most: list[int] = []
    gate = asyncio.Event()

    async def wait(value: int) -> int:
        running.append(value)
        most.append(len(running))
        await gate.wait()
        running.remove(value)
        return value

    def many(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.task_all([context.call_activity("wait", i) for i in range(9)]))

    bench.app.activity(wait)
    bench.app.orchestrator(many)
    bench.options = EngineOptions(max_concurrent_activities=3)
    await bench.restart()
    instance_id = await bench.begin("many")
    await eventually(lambda: len(running) == 3)
    gate.set()
    assert json.loads((await bench.end_of(instance_id)).output or "") == list(range(9))
    assert max(most) == 3


class TestRetries:
    @pytest.fixture(autouse=True)
    def flaky_functions(self, app: SdkApp) -> None:
        failures: dict[str, int] = {}

        @app.activity
        def flaky(value: dict[str, Any]) -> str:
            name, times = value["name"], value["times"]
            failures[name] = failures.get(name, 0) + 1
            if failures[name] <= times:
                raise OSError(f"{name} {failures[name]}")
            return f"{name} after {failures[name]}"

        @app.orchestrator
        def retries(context: df.DurableOrchestrationContext) -> Any:
            options = df.RetryOptions(1000, 3)
            plan = context.get_input()
            results = yield context.task_all(
                [
                    context.call_activity_with_retry("flaky", options, {"name": name, "times": times})
                    for name, times in plan.items()
                ]
            )
            after = yield context.call_activity("double", 21)
            return [*results, after]

        @app.orchestrator
        def mixed(context: df.DurableOrchestrationContext) -> Any:
            options = df.RetryOptions(1000, 3)
            first = context.call_activity_with_retry("flaky", options, {"name": "first", "times": 2})
            done = []
            for value in range(6):
                done.append((yield context.call_activity("double", value)))
                if value == 2:
                    done.append((yield first))
            return done

    async def drive(self, bench: Bench, clock: ManualClock, instance_id: str) -> Any:
        async with asyncio.timeout(10):
            while True:
                status = await bench.engine.get_status(instance_id)
                assert status is not None
                if status.runtime_status not in ("Pending", "Running"):
                    return status
                clock.advance(seconds=0.3)
                await asyncio.sleep(0.001)

    async def test_attempts_are_repeated_until_one_succeeds(self, still: Bench, clock: ManualClock) -> None:
        status = await self.drive(still, clock, await still.begin("retries", {"a": 2, "b": 0, "c": 1}))
        assert json.loads(status.output) == ["a after 3", "b after 1", "c after 2", 42]

    async def test_ids_stay_in_step_when_retries_and_other_calls_mix(self, still: Bench, clock: ManualClock) -> None:
        status = await self.drive(still, clock, await still.begin("mixed"))
        assert json.loads(status.output) == [0, 2, 4, "first after 3", 6, 8, 10]

    async def test_the_last_failure_surfaces_one_interval_late(self, still: Bench, clock: ManualClock) -> None:
        instance_id = await still.begin("retries", {"a": 9})
        for attempts in (1, 2, 3):
            await eventually(lambda wanted=attempts: len(still.app.calls) == wanted)  # type: ignore[misc]
            await still.until(instance_id, lambda s, wanted=attempts: event_types(s).count(6) == wanted)  # type: ignore[misc]
            clock.advance(seconds=1)
            await still.settle()
        status = await still.end_of(instance_id)
        assert status.runtime_status == "Failed"
        assert "OSError: a 3" in (status.output or "")
        ids = [event["EventId"] for event in events(status) if event["EventType"] in (4, 10)]
        assert ids == [0, 1, 2, 3, 4, 5]


async def test_an_unstarted_engine_says_so(bench: Bench) -> None:
    engine = SqliteEngine(bench.state_file, bench.app)
    with pytest.raises(Exception, match="not started"):
        await engine.get_status("x")
