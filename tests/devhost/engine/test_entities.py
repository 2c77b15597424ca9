"""Entities: calls, signals, order, errors, life and death."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.options import EngineOptions
from devhost.engine.sdk_app import SdkApp
from tests.devhost.engine.conftest import Bench, events, eventually


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:  # noqa: C901 - many small functions, none of them complex
    @app.entity
    def counter(context: df.DurableEntityContext) -> None:
        value = context.get_state(lambda: 0)
        match context.operation_name:
            case "add":
                value += context.get_input()
                context.set_state(value)
                context.set_result(value)
            case "get":
                context.set_result(value)
            case "fail":
                context.set_state(value + 1000)
                raise ValueError("entity says no")
            case "delete":
                context.destruct_on_exit()

    @app.entity
    def log(context: df.DurableEntityContext) -> None:
        entries = context.get_state(list)
        if context.operation_name == "append":
            entries.append(context.get_input())
        context.set_state(entries)
        context.set_result(entries)

    @app.orchestrator
    def calls(context: df.DurableOrchestrationContext) -> Any:
        name, operations = context.get_input()
        results = []
        for operation, value in operations:
            try:
                results.append((yield context.call_entity(df.EntityId(name, "Key"), operation, value)))
            except Exception as error:
                results.append(f"caught {error}")
        return results

    @app.orchestrator
    def signals_then_calls(context: df.DurableOrchestrationContext) -> Any:
        for item in range(10):
            context.signal_entity(df.EntityId("log", "one"), "append", item)
        return (yield context.call_entity(df.EntityId("log", "one"), "append", "last"))

    @app.orchestrator
    def calls_in_parallel(context: df.DurableOrchestrationContext) -> Any:
        entity = df.EntityId("counter", "shared")
        results = yield context.task_all([context.call_entity(entity, "add", 1) for _ in range(10)])
        return results


async def test_calls_return_results_and_keep_state(bench: Bench) -> None:
    assert await bench.result("calls", ["Counter", [["add", 5], ["add", 3], ["get", None]]]) == [5, 8, 8]
    assert await bench.engine.read_entity("COUNTER", "Key") == "8"
    assert await bench.engine.read_entity("counter", "key") is None


async def test_operations_of_one_sender_keep_their_order(bench: Bench) -> None:
    assert await bench.result("signals_then_calls") == [*range(10), "last"]


async def test_parallel_calls_each_get_their_own_answer(bench: Bench) -> None:
    assert await bench.result("calls_in_parallel") == list(range(1, 11))


async def test_a_failing_operation_raises_in_the_caller_and_what_it_set_sticks(bench: Bench) -> None:
    results = await bench.result("calls", ["counter", [["fail", None], ["get", None]]])
    assert results == ["caught entity says no", 1000]


async def test_an_entity_can_be_deleted_and_begin_again(bench: Bench) -> None:
    await bench.result("calls", ["counter", [["add", 5], ["delete", None]]])
    assert await bench.engine.read_entity("counter", "Key") is None
    assert await bench.engine.list_entities() == []
    assert await bench.result("calls", ["counter", [["add", 2]]]) == [2]


async def test_an_unknown_entity_raises_in_the_caller(bench: Bench) -> None:
    (message,) = await bench.result("calls", ["nothing", [["get", None]]])
    assert "The function 'nothing' doesn't exist" in message


async def test_a_signal_to_an_unknown_entity_is_reported_and_dropped(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.engine.signal_entity("nothing", "k", "op", None)
    await eventually(lambda: "signal 'op' to entity @nothing@k failed" in caplog.text)
    assert [record.levelno for record in caplog.records if "@nothing@k" in record.message] == [logging.ERROR]


@pytest.mark.parametrize(
    ("sent", "entry"),
    [('"\\"5\\""', "5"), ('"5"', 5), ("5", 5), ('{"a": 1}', {"a": 1}), ('"null"', None), ("null", None)],
)
async def test_clients_signal_with_json_in_a_json_string_or_plain_json(bench: Bench, sent: str, entry: Any) -> None:
    await bench.engine.signal_entity("log", "c", "append", sent)
    await wait_for_state(bench, "log", "c", json.dumps([entry]))


async def wait_for_state(bench: Bench, name: str, key: str, wanted: str) -> None:
    async with asyncio.timeout(5):
        while True:
            state = await bench.engine.read_entity(name, key)
            if state == wanted:
                return
            await asyncio.sleep(0.002)


async def test_entities_are_listed(bench: Bench) -> None:
    for key in ("a", "b"):
        await bench.engine.signal_entity("Counter", key, "add", '"1"')
    await bench.engine.signal_entity("log", "z", "append", '"1"')
    await wait_for_state(bench, "log", "z", "[1]")
    await wait_for_state(bench, "counter", "b", "1")
    listed = await bench.engine.list_entities()
    assert [(entity.name, entity.key, entity.state) for entity in listed] == [
        ("counter", "a", "1"),
        ("counter", "b", "1"),
        ("log", "z", "[1]"),
    ]
    assert [entity.key for entity in await bench.engine.list_entities("LOG")] == ["z"]
    assert len(await bench.engine.list_entities(top=2)) == 2


async def test_waiting_operations_are_batched_but_no_larger_than_allowed(bench: Bench) -> None:
    batches: list[list[str]] = []
    original = bench.app.run_entity

    async def run_entity(name: str, batch_json: str) -> str:
        batches.append([item["name"] for item in json.loads(batch_json)["batch"]])
        return await original(name, batch_json)

    bench.app.run_entity = run_entity  # type: ignore[method-assign]
    bench.options = EngineOptions(entity_batch_size=4)
    await bench.restart()
    assert await bench.result("signals_then_calls") == [*range(10), "last"]
    assert [len(batch) for batch in batches] == [4, 4, 3]


async def test_one_entity_runs_one_batch_at_a_time(bench: Bench) -> None:
    running: list[int] = []
    gate = asyncio.Event()

    async def run_entity(name: str, batch_json: str) -> str:
        running.append(1)
        await gate.wait()
        return json.dumps({"entityExists": True, "entityState": "1", "results": [RESULT], "signals": []})

    bench.app.run_entity = run_entity  # type: ignore[method-assign]
    for _ in range(3):
        await bench.engine.signal_entity("counter", "c", "add", '"1"')
        await eventually(lambda: len(running) == 1)
    await bench.settle()
    assert len(running) == 1


RESULT = {"isError": False, "duration": 0, "startTime": 0, "result": "null"}


async def test_a_batch_cut_short_runs_again_after_a_restart(bench: Bench) -> None:
    started = asyncio.Event()
    original = bench.app.run_entity

    async def never(name: str, batch_json: str) -> str:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    bench.app.run_entity = never  # type: ignore[method-assign]
    await bench.engine.signal_entity("counter", "c", "add", '"7"')
    await started.wait()
    await bench.stop()
    bench.app.run_entity = original  # type: ignore[method-assign]
    await bench.start()
    await wait_for_state(bench, "counter", "c", "7")


async def test_history_names_the_request_that_the_answer_answers(bench: Bench) -> None:
    status = await bench.end_of(await bench.begin("calls", ["counter", [["add", 5]]]))
    (sent,) = [event for event in events(status) if event["EventType"] == 14]
    (raised,) = [event for event in events(status) if event["EventType"] == 15]
    request = json.loads(sent["Input"])
    assert (sent["InstanceId"], sent["EventId"], request["op"]) == ("@counter@Key", 0, "add")
    assert raised["Name"] == request["id"]
    assert json.loads(raised["Input"]) == {"result": "5"}
