"""Generations: what continues, what is kept, what is dropped."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.options import EngineOptions
from devhost.engine.sdk_app import SdkApp
from tests.devhost.engine.conftest import Bench, event_types, events, eventually


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:  # noqa: C901 - many small functions, none of them complex
    @app.activity
    def add_one(value: int) -> int:
        return value + 1

    @app.orchestrator
    def count(context: df.DurableOrchestrationContext) -> Any:
        value, until = context.get_input()
        value = yield context.call_activity("add_one", value)
        if value < until:
            context.continue_as_new([value, until])
            return None
        return value

    @app.orchestrator
    def plain(context: df.DurableOrchestrationContext) -> Any:
        value = context.get_input()
        if value < 5:
            context.continue_as_new(value + 1)
            return None
        return value

    @app.orchestrator
    def collects(context: df.DurableOrchestrationContext) -> Any:
        got = context.get_input() or []
        context.set_custom_status(len(got)) if got else None
        got.append((yield context.wait_for_external_event("item")))
        if len(got) == 4:
            return got
        context.continue_as_new(got)

    @app.orchestrator
    def shows_status_once(context: df.DurableOrchestrationContext) -> Any:
        if context.get_input() is None:
            context.set_custom_status("kept")
            yield context.call_activity("add_one", 1)
            context.continue_as_new("second")
            return
        yield context.wait_for_external_event("go")
        if context.get_input() == "second":
            context.set_custom_status("new")
            yield context.wait_for_external_event("go")
            context.set_custom_status(None)
            yield context.wait_for_external_event("go")


async def test_generations_hand_on_their_input(bench: Bench) -> None:
    status = await bench.end_of(await bench.begin("count", [0, 30]))
    assert status.output == "30"
    assert event_types(status) == [12, 0, 4, 13, 12, 5, 1, 13]
    assert status.input == json.dumps("[29, 30]")


async def test_a_plain_function_may_continue_as_new(bench: Bench) -> None:
    assert await bench.result("plain", 0) == 5


async def test_events_not_yet_delivered_are_kept(bench: Bench) -> None:
    instance_id = await bench.begin("collects")
    for item in range(4):
        await bench.engine.raise_event(instance_id, "item", str(item))
    status = await bench.end_of(instance_id)
    assert status.output == "[0, 1, 2, 3]"
    assert status.custom_status == "3"


async def test_custom_status_is_carried_over_until_the_new_generation_sets_its_own(bench: Bench) -> None:
    instance_id = await bench.begin("shows_status_once")
    status = await bench.until(instance_id, lambda s: s.input == '"\\"second\\""' and 13 in event_types(s))
    assert status.custom_status == '"kept"'
    await bench.engine.raise_event(instance_id, "go", None)
    await bench.until(instance_id, lambda s: s.custom_status == '"new"')
    await bench.engine.raise_event(instance_id, "go", None)
    await bench.until(instance_id, lambda s: s.custom_status is None)


async def test_answers_to_an_earlier_generation_are_dropped(bench: Bench) -> None:
    """They carry the same small ids; taken for answers of this generation they would be silently wrong."""
    gates = {"old": asyncio.Event(), "new": asyncio.Event()}
    ended: list[str] = []

    async def gated(name: str) -> str:
        await gates[name].wait()
        ended.append(name)
        return name

    def leaves_work_behind(context: df.DurableOrchestrationContext) -> Any:
        name = context.get_input() or "old"
        work = context.call_activity("gated", name)
        timer = context.create_timer(context.current_utc_datetime + timedelta(milliseconds=1))
        yield context.task_any([timer, work] if name == "old" else [work])
        if name == "old":
            context.continue_as_new("new")
            return None
        return work.result

    bench.app.activity(gated)
    bench.app.orchestrator(leaves_work_behind)
    bench.options = EngineOptions(wait_for_open_tasks=False)
    await bench.restart()
    instance_id = await bench.begin("leaves_work_behind")
    await bench.until(instance_id, lambda s: s.input == '"\\"new\\""' and 13 in event_types(s))
    gates["old"].set()
    await eventually(lambda: "old" in ended)
    await bench.settle()
    gates["new"].set()
    assert (await bench.end_of(instance_id)).output == '"new"'


async def test_a_new_generation_waits_for_the_open_tasks_of_the_old(bench: Bench) -> None:
    gate = asyncio.Event()

    async def slow(value: int) -> int:
        await gate.wait()
        return value

    def leaves(context: df.DurableOrchestrationContext) -> Any:
        if context.get_input() == "second":
            return "ended"
        yield context.task_any([context.call_activity("slow", 1), context.call_activity("add_one", 1)])
        context.continue_as_new("second")

    bench.app.activity(slow)
    bench.app.orchestrator(leaves)
    instance_id = await bench.begin("leaves")
    await bench.until(instance_id, lambda s: 5 in event_types(s))
    await bench.settle()
    status = await bench.engine.get_status(instance_id)
    assert status is not None
    assert status.runtime_status == "Running"
    assert status.input is None
    gate.set()
    assert (await bench.end_of(instance_id)).output == '"ended"'


async def test_each_generation_has_its_own_execution_id_and_ids_from_zero(bench: Bench) -> None:
    instance_id = await bench.begin("collects")
    seen = []
    for item in range(3):
        status = await bench.until(instance_id, lambda s, n=item: event_types(s) == [12, 0, 13] and _size(s) == n)  # type: ignore[misc]
        seen.append(events(status)[1]["OrchestrationInstance"]["ExecutionId"])
        await bench.engine.raise_event(instance_id, "item", str(item))
    assert len(set(seen)) == 3


def _size(status: Any) -> int:
    return 0 if status.input is None else len(json.loads(json.loads(status.input)))
