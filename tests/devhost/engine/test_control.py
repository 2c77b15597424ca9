"""Starting, watching, stopping and deleting instances from outside."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.errors import EngineStopped
from devhost.engine.options import EngineOptions
from devhost.engine.sdk_app import SdkApp
from devhost.ports import BadRequest, InstanceEnded, InstanceExists, InstanceNotFound, InstanceQuery
from tests.devhost.engine.conftest import Bench, ManualClock, event_types


@pytest.fixture(autouse=True)
def functions(app: SdkApp) -> None:
    @app.activity
    def work(value: Any) -> Any:
        return value

    @app.orchestrator
    def echo(context: df.DurableOrchestrationContext) -> Any:
        return context.get_input()

    @app.orchestrator
    def waits(context: df.DurableOrchestrationContext) -> Any:
        context.set_custom_status({"at": "start"})
        value = yield context.wait_for_external_event("go")
        return (yield context.call_activity("work", value))

    @app.orchestrator
    def versioned(context: df.DurableOrchestrationContext) -> Any:
        return context.version

    @app.orchestrator
    def breaks(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_activity("work")
        raise RuntimeError("as it must")


async def waiting(bench: Bench, instance_id: str | None = None) -> str:
    started = await bench.begin("waits", None, instance_id)
    await bench.until(started, lambda status: status.custom_status == '{"at": "start"}')
    return started


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (None, None),
        ("null", None),
        ('{"a": [1.50, "ä"]}', {"a": [1.5, "ä"]}),
        ("[1, 2]", [1, 2]),
        ("5", 5),
        ('"Tokyo"', "Tokyo"),
        ('"\\"Tokyo\\""', "Tokyo"),
        ('"{\\"a\\": 1}"', {"a": 1}),
    ],
)
async def test_any_json_input_reaches_the_orchestrator_decoded_once(bench: Bench, sent: str | None, seen: Any) -> None:
    status = await bench.end_of(await bench.engine.start_instance("ECHO", None, sent))
    assert json.loads(status.output or "null") == seen
    assert status.input == sent


async def test_start_gives_an_id_and_takes_one(bench: Bench) -> None:
    given = await bench.begin("echo")
    assert len(given) == 32
    assert await bench.begin("echo", None, "mine") == "mine"


@pytest.mark.parametrize("bad", ["@x", "a/b", "a\\b", "a?", "a#", "a\n", "x" * 257, ""])
async def test_bad_ids_are_refused(bench: Bench, bad: str) -> None:
    with pytest.raises(BadRequest, match="an instance id must not"):
        await bench.begin("echo", None, bad)


async def test_unknown_names_and_bad_json_are_refused(bench: Bench) -> None:
    with pytest.raises(BadRequest, match="'nobody' doesn't exist"):
        await bench.begin("nobody")
    with pytest.raises(BadRequest, match="not JSON"):
        await bench.engine.start_instance("echo", None, "{")


async def test_a_running_id_is_taken_an_ended_one_is_replaced(bench: Bench) -> None:
    await waiting(bench, "one")
    with pytest.raises(InstanceExists, match="'one' already exists"):
        await bench.begin("echo", 1, "one")
    await bench.engine.terminate("one", "make room")
    await bench.begin("echo", 2, "one")
    assert (await bench.end_of("one")).output == "2"


async def test_versions(bench: Bench) -> None:
    status = await bench.end_of(await bench.engine.start_instance("versioned", None, None, "2.1"))
    assert status.output == '"2.1"'
    bench.options = EngineOptions(default_version="1.0")
    await bench.restart()
    assert await bench.result("versioned") == "1.0"


async def test_status_of_nobody_is_none(bench: Bench) -> None:
    assert await bench.engine.get_status("nobody") is None


async def test_a_failed_instance_says_why(bench: Bench) -> None:
    assert await bench.failure("breaks") == "Orchestrator function 'breaks' failed: as it must"


async def test_terminate_ends_at_once_with_the_reason(bench: Bench) -> None:
    instance_id = await waiting(bench)
    await bench.engine.terminate(instance_id, 'no "more"')
    status = await bench.end_of(instance_id)
    assert (status.runtime_status, status.output) == ("Terminated", json.dumps('no "more"'))
    assert event_types(status)[-1] == 3
    with pytest.raises(InstanceEnded):
        await bench.engine.terminate(instance_id, "again")
    with pytest.raises(InstanceNotFound):
        await bench.engine.terminate("nobody", "")


async def test_a_suspended_instance_holds_its_messages_until_resumed(bench: Bench) -> None:
    instance_id = await waiting(bench)
    await bench.engine.suspend(instance_id, "lunch")
    await bench.engine.suspend(instance_id, "long lunch")
    await bench.engine.raise_event(instance_id, "go", "1")
    await bench.settle()
    status = await bench.engine.get_status(instance_id, show_history=True)
    assert status is not None
    assert status.runtime_status == "Suspended"
    assert event_types(status) == [12, 0, 13, 19]
    await bench.restart()
    await bench.engine.resume(instance_id, "back")
    await bench.engine.resume(instance_id, "still back")
    status = await bench.end_of(instance_id)
    assert status.output == "1"
    assert event_types(status) == [12, 0, 13, 19, 20, 12, 15, 4, 13, 12, 5, 1, 13]


async def test_a_restart_runs_the_same_again(bench: Bench) -> None:
    first = await bench.begin("echo", {"a": 1}, "first")
    await bench.end_of(first)
    again = await bench.engine.restart(first, new_id=True)
    assert again != first
    assert json.loads((await bench.end_of(again)).output or "") == {"a": 1}
    assert await bench.engine.restart(first, new_id=False) == first
    assert json.loads((await bench.end_of(first)).output or "") == {"a": 1}
    await waiting(bench, "busy")
    with pytest.raises(InstanceExists):
        await bench.engine.restart("busy", new_id=False)
    with pytest.raises(InstanceNotFound):
        await bench.engine.restart("nobody", new_id=True)


async def test_purge_deletes_ended_instances_only(bench: Bench) -> None:
    await waiting(bench, "busy")
    await bench.end_of(await bench.begin("echo", 1, "done"))
    assert [await bench.engine.purge(name) for name in ("busy", "done", "done", "nobody")] == [0, 1, 0, 0]
    assert await bench.engine.get_status("done") is None


async def test_lists_page_oldest_first_and_filter(still: Bench, clock: ManualClock) -> None:
    for number in range(7):
        await still.end_of(await still.begin("echo", number, f"{'even' if number % 2 == 0 else 'odd'}-{number}"))
        clock.advance(minutes=1)
    await waiting(still, "odd-waits")
    seen: list[str] = []
    query = InstanceQuery(top=3)
    while True:
        found, continuation = await still.engine.list_instances(query)
        assert len(found) <= 3
        seen += [status.instance_id for status in found]
        if continuation is None:
            break
        query = InstanceQuery(top=3, continuation=continuation)
    assert seen == ["even-0", "odd-1", "even-2", "odd-3", "even-4", "odd-5", "even-6", "odd-waits"]

    async def ids(**criteria: Any) -> list[str]:
        return [status.instance_id for status in (await still.engine.list_instances(InstanceQuery(**criteria)))[0]]

    start = clock() - timedelta(minutes=7)
    assert await ids(id_prefix="odd-") == ["odd-1", "odd-3", "odd-5", "odd-waits"]
    assert await ids(statuses=frozenset({"Running", "Pending"})) == ["odd-waits"]
    assert await ids(created_from=start + timedelta(minutes=5)) == ["odd-5", "even-6", "odd-waits"]
    assert await ids(created_to=start + timedelta(minutes=1)) == ["even-0", "odd-1"]
    with pytest.raises(BadRequest, match="not a continuation"):
        await ids(continuation="x")


async def test_purge_many_takes_all_that_ended_and_match(still: Bench, clock: ManualClock) -> None:
    for number in range(4):
        await still.end_of(await still.begin("echo", number, str(number)))
        clock.advance(minutes=1)
    await waiting(still, "busy")
    assert await still.engine.purge_many(InstanceQuery(created_from=clock() - timedelta(minutes=3), top=1)) == 3
    assert [s.instance_id for s in (await still.engine.list_instances(InstanceQuery()))[0]] == ["0", "busy"]


async def test_a_stopped_engine_says_so(bench: Bench) -> None:
    engine = bench.engine
    await bench.stop()
    with pytest.raises(EngineStopped, match="not started"):
        await engine.get_status("x")
