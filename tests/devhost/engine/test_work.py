"""Work that misbehaves: whatever it does, its instance hears of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.options import EngineOptions
from devhost.engine.sdk_app import SdkApp
from devhost.ports import FunctionFailed
from tests.devhost.engine.conftest import Bench, eventually


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:
    @app.orchestrator
    def works(context: df.DurableOrchestrationContext) -> Any:
        try:
            return (yield context.call_activity("work"))
        except Exception as error:
            return f"caught {error}"

    @app.orchestrator
    def asks(context: df.DurableOrchestrationContext) -> Any:
        try:
            return (yield context.call_entity(df.EntityId("thing", "k"), "op"))
        except Exception as error:
            return f"caught {error}"


@pytest.mark.parametrize("error", [asyncio.CancelledError("oops"), SystemExit(4), KeyError("x"), TimeoutError()])
async def test_an_activity_may_raise_anything(bench: Bench, error: BaseException) -> None:
    async def run_activity(name: str, input_json: str | None, instance_id: str) -> str:
        raise error

    bench.app.run_activity = run_activity  # type: ignore[method-assign]
    assert (await bench.result("works")).startswith(f"caught work failed: {type(error).__name__}: ")


@pytest.mark.parametrize("error", [asyncio.CancelledError("oops"), SystemExit(4), KeyError("x")])
async def test_so_may_an_entity_even_before_it_is_awaited(bench: Bench, error: BaseException) -> None:
    def run_entity(name: str, batch_json: str) -> Awaitable[str]:
        raise error

    bench.app.run_entity = run_entity  # type: ignore[method-assign, assignment]
    assert (await bench.result("asks")).startswith(f"caught entity @thing@k failed: {type(error).__name__}: ")


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("{", "caught the SDK's reply is not understood"),
        ('{"entityExists": true, "entityState": "1", "results": []}', "caught the SDK answered 0 of 1 operations"),
        (FunctionFailed("no such luck"), "caught no such luck"),
    ],
)
async def test_an_entity_batch_that_fails_answers_its_callers_and_changes_nothing(
    bench: Bench, reply: Any, message: str
) -> None:
    async def run_entity(name: str, batch_json: str) -> str:
        if isinstance(reply, Exception):
            raise reply
        return str(reply)

    bench.app.run_entity = run_entity  # type: ignore[method-assign]
    assert (await bench.result("asks")).startswith(message)
    assert await bench.engine.read_entity("thing", "k") is None


async def test_a_result_for_a_terminated_instance_is_dropped_and_frees_its_place(bench: Bench) -> None:
    started: list[str] = []
    gate = asyncio.Event()

    async def run_activity(name: str, input_json: str | None, instance_id: str) -> str:
        started.append(instance_id)
        await gate.wait()
        return '"done"'

    bench.app.run_activity = run_activity  # type: ignore[method-assign]
    bench.options = EngineOptions(max_concurrent_activities=1)
    await bench.restart()
    first, second = await bench.begin("works"), await bench.begin("works")
    await eventually(lambda: started == [first])
    await bench.engine.terminate(first, "never mind")
    gate.set()
    assert (await bench.end_of(second)).output == '"done"'
    assert (await bench.end_of(first)).output == '"never mind"'


async def test_work_of_a_terminated_instance_is_not_started(bench: Bench) -> None:
    started: list[str] = []
    gate = asyncio.Event()

    async def run_activity(name: str, input_json: str | None, instance_id: str) -> str:
        started.append(instance_id)
        await gate.wait()
        return '"done"'

    bench.app.run_activity = run_activity  # type: ignore[method-assign]
    bench.options = EngineOptions(max_concurrent_activities=1)
    await bench.restart()
    ids = [await bench.begin("works") for _ in range(3)]
    await eventually(lambda: started == ids[:1])
    await bench.engine.terminate(ids[1], "never mind")
    gate.set()
    await bench.end_of(ids[2])
    assert started == [ids[0], ids[2]]


async def test_a_busy_instance_does_not_starve_the_others(bench: Bench) -> None:
    def spins(context: df.DurableOrchestrationContext) -> Any:
        context.continue_as_new((context.get_input() or 0) + 1)

    bench.app.orchestrator(spins)
    busy = await bench.begin("spins")

    async def run_activity(name: str, input_json: str | None, instance_id: str) -> str:
        return json.dumps(name)

    bench.app.run_activity = run_activity  # type: ignore[method-assign]
    assert await bench.result("works") == "work"
    await bench.engine.terminate(busy, "enough")
