"""A process to be killed: it works off a fixed set of instances, from wherever the process before it was killed.

Run by `test_kill.py` in a child process. It kills itself with SIGKILL at the n-th of the moments where a kill hurts
most: before and after each commit, and before and after each activity and entity call.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from devhost.engine.engine import SqliteEngine
from devhost.engine.options import EngineOptions
from devhost.engine.sdk_app import SdkApp
from devhost.engine.store import Store
from tests.devhost.engine.fuse import Fuse

INSTANCES = ("chain", "fan_out", "naps", "counts", "family", "generations", "stubborn", "listens")
WORDS = ("a", "b", "c")
ENDED = frozenset({"Completed", "Failed", "Terminated"})


def build_app(effects: Path, fuse: Fuse) -> SdkApp:  # noqa: C901 - many small functions, none of them complex
    app = SdkApp()

    def note(line: str) -> int:
        """Append a line and return how often it was there before; one write, so that a kill never halves it."""
        with effects.open("a") as file:
            file.write(line + "\n")
        return effects.read_text().splitlines().count(line) - 1

    @app.activity
    def step(value: int) -> int:
        fuse.burn()
        note(f"step {value}")
        fuse.burn()
        return value + 1

    @app.activity
    def flaky(_: Any) -> str:
        if note("flaky") < 2:
            raise OSError("not yet")
        return "at last"

    @app.entity
    def counter(context: df.DurableEntityContext) -> None:
        fuse.burn()
        if context.operation_name == "add":
            context.set_state(context.get_state(lambda: 0) + context.get_input())
        context.set_result(context.get_state(lambda: 0))
        fuse.burn()

    @app.orchestrator
    def chain(context: df.DurableOrchestrationContext) -> Any:
        value = context.get_input() or 100
        for _ in range(6):
            value = yield context.call_activity("step", value)
        return value

    @app.orchestrator
    def fan_out(context: df.DurableOrchestrationContext) -> Any:
        results = yield context.task_all([context.call_activity("step", i) for i in range(12)])
        return sum(results)

    @app.orchestrator
    def naps(context: df.DurableOrchestrationContext) -> Any:
        for _ in range(4):
            yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=3))
        return "rested"

    @app.orchestrator
    def counts(context: df.DurableOrchestrationContext) -> Any:
        entity = df.EntityId("counter", "shared")
        for _ in range(5):
            context.signal_entity(entity, "add", 10)
            yield context.call_entity(entity, "add", 1)
        return (yield context.call_entity(entity, "get"))

    @app.orchestrator
    def family(context: df.DurableOrchestrationContext) -> Any:
        children = [context.call_sub_orchestrator("chain", 1000 * (i + 1)) for i in range(3)]
        return (yield context.task_all(children))

    @app.orchestrator
    def generations(context: df.DurableOrchestrationContext) -> Any:
        number = context.get_input() or 0
        yield context.call_activity("step", 5000 + number)
        yield context.call_entity(df.EntityId("counter", "generations"), "add", 1)
        if number == 4:
            return number
        context.continue_as_new(number + 1)

    @app.orchestrator
    def stubborn(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.call_activity_with_retry("flaky", df.RetryOptions(1, 20)))

    @app.orchestrator
    def listens(context: df.DurableOrchestrationContext) -> Any:
        got = []
        for word in WORDS:
            got.append((yield context.wait_for_external_event(word)))
        return got

    return app


async def work(state_file: Path, effects: Path, fuse: Fuse) -> None:
    app = build_app(effects, fuse)
    options = EngineOptions(max_starts=1000, max_concurrent_activities=3, entity_batch_size=3)
    engine = SqliteEngine(state_file, app, options)
    await engine.start()
    for name in INSTANCES:
        if await engine.get_status(name) is None:
            await engine.start_instance(name, name, None)
    status = await engine.get_status("listens")
    if status is not None and status.runtime_status not in ENDED:
        for word in WORDS:  # every life says them all again: which ones were heard before the kill, it cannot know
            await engine.raise_event("listens", word, json.dumps(word))
    await ended(engine, INSTANCES)
    await engine.stop()
    app.close()


def live(state_file: Path, effects: Path, fuse_length: int) -> None:
    """One life: ends by SIGKILL when the fuse burns down, else with everything done."""
    fuse = Fuse(fuse_length)
    Store.commit = fuse.fused_commit(Store.commit)  # type: ignore[method-assign, assignment]
    asyncio.run(work(state_file, effects, fuse))


def build_deadly_app() -> SdkApp:
    app = SdkApp()

    @app.activity
    def deadly(_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @app.activity
    def harmless(_: Any) -> str:
        return "harmless"

    @app.orchestrator
    def risks_it(context: df.DurableOrchestrationContext) -> Any:
        try:
            yield context.call_activity("deadly")
        except Exception as error:
            return [str(error), (yield context.call_activity("harmless"))]

    @app.entity
    def mortal(context: df.DurableEntityContext) -> None:
        if context.operation_name == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        context.set_result("alive")

    @app.orchestrator
    def risks_an_entity(context: df.DurableOrchestrationContext) -> Any:
        entity = df.EntityId("mortal", "m")
        context.signal_entity(entity, "live")
        try:
            yield context.call_entity(entity, "die")
        except Exception as error:
            return [str(error), (yield context.call_entity(entity, "live"))]

    return app


async def _die(state_file: Path) -> None:
    app = build_deadly_app()
    engine = SqliteEngine(state_file, app, EngineOptions(max_starts=3))
    await engine.start()
    for name in ("risks_it", "risks_an_entity"):
        if await engine.get_status(name) is None:
            await engine.start_instance(name, name, None)
        await ended(engine, [name])
    await engine.stop()
    app.close()


async def ended(engine: SqliteEngine, instance_ids: Iterable[str]) -> None:
    """Wait for the end of the instances, whatever it is."""
    for instance_id in instance_ids:
        while True:
            status = await engine.get_status(instance_id)
            if status is not None and status.runtime_status in ENDED:
                break
            await asyncio.sleep(0.001)


def die_of_work(state_file: Path) -> None:
    """One life of a process that an activity, and then an entity, kills again and again."""
    asyncio.run(_die(state_file))
