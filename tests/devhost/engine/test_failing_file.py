"""A state file that fails while the engine works: the engine ends rather than half-work, and a new one goes on."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.engine import SqliteEngine
from devhost.engine.errors import EngineStopped
from devhost.engine.kernel import Kernel
from devhost.engine.sdk_app import SdkApp
from tests.devhost.engine.conftest import Bench


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:
    @app.activity
    def grows(value: Any) -> str:
        return "x" * 20_000

    @app.orchestrator
    def steps(context: df.DurableOrchestrationContext) -> Any:
        done = 0
        for _ in range(20):
            done += len((yield context.call_activity("grows")))
        return done

    @app.orchestrator
    def waits(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.wait_for_external_event("go"))


async def in_kernel(engine: SqliteEngine, action: Callable[[Kernel], object]) -> None:
    await engine._do(action)


def pragma(text: str) -> Callable[[Kernel], object]:
    return lambda kernel: kernel.store.connection.execute(f"PRAGMA {text}").fetchall()


async def until_failed(engine: SqliteEngine) -> None:
    async with asyncio.timeout(10):
        await engine.failed.wait()


async def test_a_full_disk_ends_the_engine_and_with_room_again_a_new_one_goes_on(bench: Bench) -> None:
    engine = bench.engine
    await in_kernel(engine, pragma("max_page_count = 80"))  # what SQLite says then is what it says of a full disk
    working, waiting = await bench.begin("steps"), await bench.begin("waits")
    await until_failed(engine)
    with pytest.raises(EngineStopped, match="the durable engine has failed: database or disk is full"):
        await engine.raise_event(waiting, "go", None)

    await bench.restart()
    assert (await bench.end_of(working)).output == "400000"
    await bench.engine.raise_event(waiting, "go", "1")
    assert (await bench.end_of(waiting)).output == "1"


async def test_a_short_lock_by_another_program_is_waited_for(bench: Bench) -> None:
    with contextlib.closing(sqlite3.connect(bench.state_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        starting = asyncio.create_task(bench.begin("waits"))
        assert await asyncio.wait([starting], timeout=0.1) == (set(), {starting})
        other.execute("ROLLBACK")
        instance_id = await starting
    assert await bench.engine.get_status(instance_id) is not None


async def test_a_long_lock_by_another_program_ends_the_engine(bench: Bench) -> None:
    engine = bench.engine
    instance_id = await bench.begin("waits")
    await in_kernel(engine, pragma("busy_timeout = 50"))
    with contextlib.closing(sqlite3.connect(bench.state_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(EngineStopped, match="the durable engine has failed: database is locked"):
            await engine.raise_event(instance_id, "go", "1")
        await until_failed(engine)
    await bench.restart()
    await bench.engine.raise_event(instance_id, "go", "1")
    assert (await bench.end_of(instance_id)).output == "1"


async def test_damage_ends_the_engine_instead_of_failing_an_instance(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance_id = await bench.begin("waits")
    await bench.settle()

    def damaged(*_: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with monkeypatch.context() as patch:
        patch.setattr("devhost.engine.turn.delivery.deliver", damaged)
        with pytest.raises(EngineStopped, match="database disk image is malformed"):
            await bench.engine.raise_event(instance_id, "go", "1")
        await until_failed(bench.engine)
    await bench.restart()
    await bench.engine.raise_event(instance_id, "go", "2")
    assert (await bench.end_of(instance_id)).output == "2"
