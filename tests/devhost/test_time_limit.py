"""`functionTimeout`: whatever never returns fails, and the host goes on."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from devhost.errors import StartupError
from devhost.settings import read_host_json
from devhost.time_limit import FunctionPool, FunctionTimeout, TimeLimit
from tests.devhost.conftest import MakeApp, Serve

SHORT = TimeLimit(timedelta(seconds=0.05))
API = "/runtime/webhooks/durabletask"


async def test_an_async_function_is_cancelled() -> None:
    cleaned_up = False

    async def stuck() -> None:
        nonlocal cleaned_up
        try:
            await asyncio.Event().wait()
        finally:
            cleaned_up = True

    with pytest.raises(FunctionTimeout, match=r"Timeout value of 0:00:00\.050000 exceeded by function 'stuck'"):
        await SHORT.on_loop("stuck", stuck())
    assert cleaned_up


async def test_a_timeout_of_the_function_s_own_stays_its_own() -> None:
    async def raises() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await SHORT.on_loop("raises", raises())


async def test_a_thread_that_is_stuck_is_written_off_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    free = threading.Event()

    def stuck() -> None:
        free.wait()

    with FunctionPool(1) as pool:
        for _ in range(3):
            with pytest.raises(FunctionTimeout):
                await SHORT.in_pool("stuck", pool, stuck)
        assert await SHORT.in_pool("other", pool, lambda: "served") == "served"
        free.set()
    assert "its thread is left to itself. It is here:" in caplog.text
    assert caplog.text.rstrip().endswith("waiter.acquire()")
    assert "free.wait()" in caplog.text
    assert "executor" not in caplog.text


async def test_time_in_the_queue_does_not_count() -> None:
    limit = TimeLimit(timedelta(seconds=0.3))
    release = threading.Event()
    with FunctionPool(1) as pool:
        blocking = asyncio.ensure_future(TimeLimit().in_pool("blocks", pool, release.wait))
        queued = asyncio.ensure_future(limit.in_pool("queued", pool, lambda: "in time"))
        assert await asyncio.wait([queued], timeout=0.7) == (set(), {queued})
        release.set()
        assert await queued == "in time"
        await blocking


async def test_a_sync_function_finds_its_context() -> None:
    word = contextvars.ContextVar("word", default="")
    word.set("carried")
    with FunctionPool(1) as pool:
        assert [await limit.in_pool("reads", pool, word.get) for limit in (SHORT, TimeLimit())] == ["carried"] * 2


async def test_a_caller_that_goes_away_is_not_told_of_a_timeout() -> None:
    release = threading.Event()
    with FunctionPool(1) as pool:
        running = asyncio.ensure_future(TimeLimit(timedelta(hours=1)).in_pool("waits", pool, release.wait))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        release.set()


@pytest.mark.parametrize(
    ("setting", "seconds"),
    [("", 1800), (', "functionTimeout": null', 1800), (', "functionTimeout": "00:10:00"', 600),
     (', "functionTimeout": "-1"', None), (', "functionTimeout": -1', None)],
)  # fmt: skip
def test_the_setting(tmp_path: Path, setting: str, seconds: int | None) -> None:
    (tmp_path / "host.json").write_text(f'{{"version": "2.0"{setting}}}')
    length = read_host_json(tmp_path).function_timeout
    assert (length and length.total_seconds()) == seconds


@pytest.mark.parametrize("value", ["00:00:00", "soon", 5, "-00:01:00", "00:61:00"])
def test_a_setting_that_is_no_time(tmp_path: Path, value: object) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", "functionTimeout": value}))
    with pytest.raises(StartupError, match="is wrong at 'functionTimeout'"):
        read_host_json(tmp_path)


STUCK_APP = """
import asyncio, threading, time
import azure.durable_functions as df

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
free = threading.Event()

@app.activity_trigger(input_name="unused")
def sleeps(unused: str) -> str:
    free.wait()

@app.activity_trigger(input_name="unused")
async def waits(unused: str) -> str:
    await asyncio.Event().wait()

@app.entity_trigger(context_name="context")
def dozes(context: df.DurableEntityContext):
    free.wait()

@app.orchestration_trigger(context_name="context")
def tries(context: df.DurableOrchestrationContext):
    name = context.get_input()
    is_entity = name == "dozes"
    try:
        yield context.call_entity(df.EntityId(name, "d"), "doze") if is_entity else context.call_activity(name, "")
    except Exception as error:
        return str(error).splitlines()[0]

@app.route("request")
def request(req: func.HttpRequest) -> str:
    free.wait()

@app.route("release")
def release(req: func.HttpRequest) -> str:
    free.set()
    return "released"
"""


async def test_whatever_never_returns_fails_and_says_why(make_app: MakeApp, serve: Serve) -> None:
    limit = {"host.json": '{"version": "2.0", "functionTimeout": "00:00:01"}'}
    async with serve(make_app(STUCK_APP, limit)) as client:
        address = f"{API}/orchestrators/tries?timeout=20&pollingInterval=0.05"
        *ended, answer = await asyncio.gather(
            *(client.post(address, json=name) for name in ("sleeps", "waits", "dozes")), client.get("/api/request")
        )
        assert (await client.get("/api/release")).text == "released"
    timeout = "FunctionTimeout: Timeout value of 0:00:01 exceeded by function"
    assert [end.json().strip() for end in ended] == [
        f"Activity function 'sleeps' failed:  {timeout} 'sleeps'",
        f"Activity function 'waits' failed:  {timeout} 'waits'",
        f"Entity function 'dozes' failed:  {timeout} 'dozes'",
    ]
    assert answer.status_code == 500
