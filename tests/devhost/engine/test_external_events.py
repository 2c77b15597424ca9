"""External events: early, many, of one name, from strangers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.sdk_app import SdkApp
from devhost.ports import BadRequest, InstanceEnded, InstanceNotFound
from tests.devhost.engine.conftest import Bench, event_types, events


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:
    @app.activity
    def pause(value: Any) -> Any:
        return value

    @app.orchestrator
    def collect(context: df.DurableOrchestrationContext) -> Any:
        got: list[Any] = []
        for name in context.get_input():
            got.append((yield context.wait_for_external_event(name)))
        return got

    @app.orchestrator
    def works_first(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("pause", 1)
        first = yield context.wait_for_external_event("go")
        yield context.call_activity("pause", 2)
        second = yield context.wait_for_external_event("go")
        return [first, second]

    @app.orchestrator
    def both(context: df.DurableOrchestrationContext) -> Any:
        a, b = context.wait_for_external_event("a"), context.wait_for_external_event("b")
        return (yield context.task_all([a, b]))

    @app.orchestrator
    def counts_to_three(context: df.DurableOrchestrationContext) -> Any:
        got: list[Any] = []
        while len(got) < 3:
            event = context.wait_for_external_event("tick")
            timeout = context.create_timer(context.current_utc_datetime + timedelta(days=1))
            winner = yield context.task_any([event, timeout])
            assert winner is event
            timeout.cancel()
            got.append(event.result)
        return got


async def raise_all(bench: Bench, instance_id: str, *named: tuple[str, Any]) -> None:
    for name, value in named:
        await bench.engine.raise_event(instance_id, name, json.dumps(value))


async def test_events_come_in_the_order_they_were_waited_for(bench: Bench) -> None:
    instance_id = await bench.begin("collect", ["a", "b", "a"])
    await raise_all(bench, instance_id, ("b", 2), ("a", 1), ("a", 3))
    assert json.loads((await bench.end_of(instance_id)).output or "") == [1, 2, 3]


async def test_two_early_events_of_one_name_go_to_two_waits(bench: Bench) -> None:
    """The SDK alone would give the second one to both."""
    instance_id = await bench.begin("works_first")
    await raise_all(bench, instance_id, ("go", "A"), ("go", "B"))
    assert json.loads((await bench.end_of(instance_id)).output or "") == ["A", "B"]


async def test_events_of_different_names_share_a_turn(bench: Bench) -> None:
    instance_id = await bench.begin("both")
    await bench.until(instance_id, lambda status: 13 in event_types(status))
    await bench.engine.suspend(instance_id, "to let both arrive")
    await raise_all(bench, instance_id, ("a", 1), ("b", 2))
    await bench.engine.resume(instance_id, "")
    status = await bench.end_of(instance_id)
    assert status.output == "[1, 2]"
    assert event_types(status)[-5:] == [12, 15, 15, 1, 13]


async def test_an_event_goes_to_the_newest_wait(bench: Bench) -> None:
    instance_id = await bench.begin("counts_to_three")
    await raise_all(bench, instance_id, ("tick", 1), ("tick", 2), ("tick", 3))
    assert json.loads((await bench.end_of(instance_id)).output or "") == [1, 2, 3]


async def test_names_are_told_apart_by_case(bench: Bench) -> None:
    instance_id = await bench.begin("collect", ["Go"])
    await raise_all(bench, instance_id, ("go", 1), ("Go", 2))
    assert (await bench.end_of(instance_id)).output == "[2]"


async def test_a_held_event_survives_a_restart(bench: Bench) -> None:
    instance_id = await bench.begin("collect", ["first", "held"])
    await raise_all(bench, instance_id, ("held", "kept"))
    await bench.restart()
    await raise_all(bench, instance_id, ("first", "f"))
    assert json.loads((await bench.end_of(instance_id)).output or "") == ["f", "kept"]


@pytest.mark.parametrize(
    ("data", "seen"),
    [('{"a": 1.10}', {"a": 1.1}), ('"{\\"a\\": 1}"', '{"a": 1}'), ("true", True), (None, None), ("[1]", [1])],
)
async def test_the_data_is_what_was_sent_decoded_once(bench: Bench, data: str | None, seen: Any) -> None:
    instance_id = await bench.begin("collect", ["x"])
    await bench.engine.raise_event(instance_id, "x", data)
    status = await bench.end_of(instance_id)
    assert json.loads(status.output or "") == [seen]
    assert [event["Input"] for event in events(status) if event["EventType"] == 15] == [data]


async def test_strangers_are_told(bench: Bench) -> None:
    with pytest.raises(InstanceNotFound, match="nobody"):
        await bench.engine.raise_event("nobody", "x", None)
    instance_id = await bench.begin("collect", [])
    await bench.end_of(instance_id)
    with pytest.raises(InstanceEnded, match="Completed"):
        await bench.engine.raise_event(instance_id, "x", None)


async def test_data_that_is_no_json_is_refused(bench: Bench) -> None:
    instance_id = await bench.begin("collect", ["x"])
    with pytest.raises(BadRequest, match="not JSON"):
        await bench.engine.raise_event(instance_id, "x", "{")
