"""Parents and children."""

from __future__ import annotations

import json
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.sdk_app import SdkApp
from tests.devhost.engine.conftest import Bench, ManualClock, event_types, events


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:  # noqa: C901 - many small functions, none of them complex
    attempts: list[int] = []

    @app.activity
    def work(value: Any) -> Any:
        return value

    @app.orchestrator
    def child(context: df.DurableOrchestrationContext) -> Any:
        value = yield context.call_activity("work", context.get_input())
        return {"value": value, "parent": context.parent_instance_id, "version": context.version}

    @app.orchestrator
    def parent(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.call_sub_orchestrator("Child", "x", version="v7"))

    @app.orchestrator
    def named(context: df.DurableOrchestrationContext) -> Any:
        first = yield context.call_sub_orchestrator("child", 1, instance_id="the-child")
        second = yield context.call_sub_orchestrator("child", 2, instance_id="the-child")
        return [first["value"], second["value"]]

    @app.orchestrator
    def family(context: df.DurableOrchestrationContext) -> Any:
        children = [context.call_sub_orchestrator("child", i) for i in range(20)]
        results = yield context.task_all(children)
        return [result["value"] for result in results]

    @app.orchestrator
    def breaks(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("work")
        raise RuntimeError("broken child")

    @app.orchestrator
    def silent(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("work")

    @app.orchestrator
    def calls(context: df.DurableOrchestrationContext) -> Any:
        name, instance_id = context.get_input()
        try:
            return (yield context.call_sub_orchestrator(name, None, instance_id))
        except Exception as error:
            return f"caught {error}"

    @app.orchestrator
    def breaks_twice(context: df.DurableOrchestrationContext) -> Any:
        number = yield context.call_activity("count")
        if number < 3:
            raise RuntimeError(f"try {number}")
        return number

    @app.activity
    def count(_: Any) -> int:
        attempts.append(1)
        return len(attempts)

    @app.orchestrator
    def retries(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.call_sub_orchestrator_with_retry("breaks_twice", df.RetryOptions(1000, 5)))

    @app.orchestrator
    def waits(context: df.DurableOrchestrationContext) -> Any:
        yield context.wait_for_external_event("never")


async def test_a_child_gets_input_version_and_parent(bench: Bench) -> None:
    instance_id = await bench.begin("parent")
    status = await bench.end_of(instance_id)
    assert json.loads(status.output or "") == {"value": "x", "parent": instance_id, "version": "v7"}
    created = next(event for event in events(status) if event["EventType"] == 7)
    child = await bench.engine.get_status(created["InstanceId"])
    assert child is not None
    assert child.name == "Child"
    assert child.output == status.output


async def test_many_children(bench: Bench) -> None:
    assert await bench.result("family") == list(range(20))


async def test_a_childs_id_can_be_used_again_when_it_has_ended(bench: Bench) -> None:
    assert await bench.result("named") == [1, 2]


async def test_a_child_without_output_gives_none(bench: Bench) -> None:
    assert await bench.result("calls", ["silent", None]) is None


async def test_a_childs_failure_is_its_parents_exception(bench: Bench) -> None:
    message = await bench.result("calls", ["breaks", None])
    assert message.startswith("caught Orchestrator function 'breaks' failed: broken child")


async def test_a_failing_child_is_tried_again_under_a_new_id(still: Bench, clock: ManualClock) -> None:
    instance_id = await still.begin("retries")
    for failures in (1, 2):
        await still.until(instance_id, lambda s, wanted=failures: event_types(s).count(9) == wanted)  # type: ignore[misc]
        clock.advance(seconds=1)
    status = await still.end_of(instance_id)
    assert status.output == "3"
    assert len({event["InstanceId"] for event in events(status) if event["EventType"] == 7}) == 3


async def test_an_unknown_child_fails_its_caller(bench: Bench) -> None:
    assert "The function 'nobody' doesn't exist" in await bench.result("calls", ["nobody", None])


async def test_an_id_in_use_or_forbidden_fails_the_caller(bench: Bench) -> None:
    await bench.begin("waits", None, "busy")
    assert "'busy' already exists" in await bench.result("calls", ["child", "busy"])
    assert "must not start with '@'" in await bench.result("calls", ["child", "@entity@x"])


async def test_an_instance_cannot_be_its_own_child(bench: Bench) -> None:
    instance_id = await bench.begin("calls", ["child", "self"], "self")
    assert "of its own parent" in ((await bench.end_of(instance_id)).output or "")


async def test_terminating_a_child_fails_the_call(bench: Bench) -> None:
    instance_id = await bench.begin("calls", ["waits", "kid"])
    await bench.until(instance_id, lambda status: 7 in event_types(status))
    await bench.engine.terminate("kid", "bedtime")
    assert "caught bedtime" in ((await bench.end_of(instance_id)).output or "")


async def test_terminating_a_parent_leaves_the_child_alone(bench: Bench) -> None:
    instance_id = await bench.begin("calls", ["waits", "kid"])
    await bench.until(instance_id, lambda status: 7 in event_types(status))
    await bench.engine.terminate(instance_id, "enough")
    await bench.engine.raise_event("kid", "never", None)
    assert (await bench.end_of("kid")).runtime_status == "Completed"
    status = await bench.end_of(instance_id)
    assert (status.runtime_status, status.output) == ("Terminated", '"enough"')
