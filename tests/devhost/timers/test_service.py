"""Timers inside a serving host: by the real clock, and when the host stops."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from devhost.timers.clock import WallClock
from tests.devhost.conftest import MakeApp, Serve

STUCK = """
import asyncio
app = func.FunctionApp()
began, ended = asyncio.Event(), []

@app.route('began')
async def wait(req: func.HttpRequest):
    await began.wait()
    return 'yes'

@app.timer_trigger('timer', '0 0 0 1 1 *', run_on_startup=True)
async def stuck(timer: func.TimerRequest) -> None:
    began.set()
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(True)
"""


async def test_they_go_by_the_clock_of_this_machine(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOW_OFTEN", "00:00:00.01")
    async with serve("timed") as client:
        for _ in range(3):
            assert (await client.get("/api/seen")).json()["IsPastDue"] is False


async def test_the_wall_clock_wakes_at_the_moment_or_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, naps = WallClock(), list[float]()
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    monkeypatch.setattr(WallClock, "now", lambda _: now + timedelta(seconds=sum(naps)))

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", nap)
    await clock.sleep_until(now - timedelta(days=1))
    assert naps == []
    await clock.sleep_until(now + timedelta(seconds=70))
    assert naps == [30, 30, 10]


async def test_a_tick_under_way_does_not_hold_up_the_stop(serve: Serve, make_app: MakeApp) -> None:
    async with asyncio.timeout(20):
        async with serve(make_app(STUCK)) as client:
            await client.get("/api/began")
            (stuck,) = (function.call for function in client.host.functions if function.name == "stuck")
    assert stuck.__globals__["ended"] == [True]
