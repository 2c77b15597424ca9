"""Rewinding failed instances."""

from __future__ import annotations

import json
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.sdk_app import SdkApp
from devhost.ports import BadRequest, InstanceEnded, InstanceNotFound
from tests.devhost.engine.conftest import Bench, ManualClock, event_types


class World:
    """Activities fail while it is broken."""

    def __init__(self) -> None:
        self.broken = True


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def functions(app: SdkApp, world: World) -> None:  # noqa: C901 - many small functions, none of them complex
    @app.activity
    def steady(value: Any) -> Any:
        return value

    @app.activity
    def fragile(value: Any) -> Any:
        if world.broken:
            raise OSError("the world is broken")
        return f"mended {value}"

    @app.entity
    def counter(context: df.DurableEntityContext) -> None:
        context.set_state(context.get_state(lambda: 0) + 1)
        context.set_result(context.get_state())

    @app.orchestrator
    def chain(context: df.DurableOrchestrationContext) -> Any:
        event = yield context.wait_for_external_event("go")
        number = yield context.call_entity(df.EntityId("counter", "c"), "count")
        first = yield context.call_activity("steady", 1)
        second = yield context.call_activity("fragile", 2)
        third = yield context.call_activity("steady", 3)
        late = yield context.wait_for_external_event("late")
        return [event, number, first, second, third, late]

    @app.orchestrator
    def fan_out(context: df.DurableOrchestrationContext) -> Any:
        return (
            yield context.task_all([context.call_activity("fragile" if i % 3 == 0 else "steady", i) for i in range(7)])
        )

    @app.orchestrator
    def parent(context: df.DurableOrchestrationContext) -> Any:
        before = yield context.call_activity("steady", "before")
        child = yield context.call_sub_orchestrator("child", 5, context.get_input())
        return [before, child]

    @app.orchestrator
    def child(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.call_activity("fragile", context.get_input()))

    @app.orchestrator
    def stubborn(context: df.DurableOrchestrationContext) -> Any:
        options = df.RetryOptions(1000, 2)
        result = yield context.call_activity_with_retry("fragile", options, 1)
        return [result, (yield context.call_activity("steady", 2))]

    @app.orchestrator
    def first_turn(context: df.DurableOrchestrationContext) -> Any:
        if world.broken:
            raise OSError("the world is broken")
        return "fine"


async def failed(bench: Bench, name: str, value: Any = None) -> str:
    instance_id = await bench.begin(name, value)
    assert (await bench.end_of(instance_id)).runtime_status == "Failed"
    return instance_id


async def rewound(bench: Bench, world: World, instance_id: str) -> Any:
    world.broken = False
    await bench.engine.rewind(instance_id, "mended")
    status = await bench.end_of(instance_id)
    assert status.runtime_status == "Completed", status.output
    return json.loads(status.output or "null")


async def test_what_succeeded_is_kept_and_what_failed_is_done_again(bench: Bench, world: World) -> None:
    instance_id = await bench.begin("chain")
    await bench.engine.raise_event(instance_id, "go", '"went"')
    status = await bench.end_of(instance_id)
    assert status.runtime_status == "Failed"
    world.broken = False
    await bench.engine.rewind(instance_id, "mended")
    await bench.engine.raise_event(instance_id, "late", '"came"')
    status = await bench.end_of(instance_id)
    assert json.loads(status.output or "") == ["went", 1, 1, "mended 2", 3, "came"]
    assert bench.app.calls == [("steady", 1), ("fragile", 2), ("fragile", 2), ("steady", 3)]
    assert 6 not in event_types(status)


async def test_a_fan_out_repeats_only_its_failures(bench: Bench, world: World) -> None:
    instance_id = await failed(bench, "fan_out")
    assert len(bench.app.calls) == 7
    assert await rewound(bench, world, instance_id) == ["mended 0", 1, 2, "mended 3", 4, 5, "mended 6"]
    assert bench.app.calls[7:] == [("fragile", 0), ("fragile", 3), ("fragile", 6)]


@pytest.mark.parametrize("child_id", [None, "kid"])
async def test_failed_children_are_rewound_with_their_parent(bench: Bench, world: World, child_id: str | None) -> None:
    instance_id = await failed(bench, "parent", child_id)
    assert await rewound(bench, world, instance_id) == ["before", "mended 5"]
    assert [name for name, _ in bench.app.calls] == ["steady", "fragile", "fragile"]


async def test_purged_children_are_made_again(bench: Bench, world: World) -> None:
    instance_id = await failed(bench, "parent", "kid")
    await bench.engine.purge("kid")
    assert await rewound(bench, world, instance_id) == ["before", "mended 5"]


async def test_children_that_recovered_by_themselves_just_answer(bench: Bench, world: World) -> None:
    instance_id = await failed(bench, "parent", "kid")
    assert await rewound(bench, world, "kid") == "mended 5"
    assert await rewound(bench, world, instance_id) == ["before", "mended 5"]
    assert [name for name, _ in bench.app.calls] == ["steady", "fragile", "fragile"]


async def test_exhausted_retries_get_their_last_attempt_again(still: Bench, clock: ManualClock, world: World) -> None:
    instance_id = await still.begin("stubborn")
    for failures in (1, 2):
        await still.until(instance_id, lambda s, wanted=failures: event_types(s).count(6) == wanted)  # type: ignore[misc]
        clock.advance(seconds=1)
    assert (await still.end_of(instance_id)).runtime_status == "Failed"
    assert await rewound(still, world, instance_id) == ["mended 1", 2]
    assert [name for name, _ in still.app.calls] == ["fragile", "fragile", "fragile", "steady"]


async def test_a_failure_in_the_first_turn_starts_over(bench: Bench, world: World) -> None:
    assert await rewound(bench, world, await failed(bench, "first_turn")) == "fine"


async def test_only_failed_instances_are_rewound(bench: Bench, world: World) -> None:
    with pytest.raises(InstanceNotFound):
        await bench.engine.rewind("nobody", "")
    instance_id = await bench.begin("chain")
    with pytest.raises(BadRequest, match="has not failed"):
        await bench.engine.rewind(instance_id, "")
    await bench.engine.terminate(instance_id, "")
    with pytest.raises(InstanceEnded, match="Terminated, not failed"):
        await bench.engine.rewind(instance_id, "")
