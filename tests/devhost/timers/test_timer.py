"""When a timer fires, what it is told, and what it remembers over a restart."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devhost.errors import StartupError
from devhost.timers.monitor import Monitor
from devhost.timers.schedule import parse_schedule
from devhost.timers.timer import Timer
from tests.devhost.timers.clock import FakeClock

START = datetime(2026, 11, 22, 15, 43, 30, tzinfo=UTC)
HOURLY = "0 0 * * * *"


class Function:
    """Notes when it was fired and what with; runs until it is let go."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.fired: asyncio.Queue[tuple[str, dict[str, object]]] = asyncio.Queue()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.running = 0

    async def __call__(self, request: str) -> None:
        self.running += 1
        assert self.running == 1, "two at once"
        self.fired.put_nowait((f"{self.clock.now():%d %H:%M:%S}", json.loads(request)))
        try:
            await self.may_end.wait()
        finally:
            self.running -= 1

    async def next(self) -> tuple[str, dict[str, object]]:
        async with asyncio.timeout(5):
            return await self.fired.get()

    async def next_time(self) -> str:
        return (await self.next())[0]


class Bench:
    """Timers over one file and one clock, each started as after a restart of the host."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock(START)
        self.function = Function(self.clock)

    @contextlib.asynccontextmanager
    async def serving(
        self, schedule: str = HOURLY, *, on_startup: bool = False, monitored: bool = True
    ) -> AsyncIterator[Timer]:
        monitor = Monitor(self.path) if monitored else None
        parsed = parse_schedule(schedule, {})
        timer = Timer("hourly", parsed, monitor, self.function, self.clock, on_startup=on_startup)
        timer.resume()
        task = asyncio.create_task(timer.serve())
        try:
            yield timer
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "timers.json")


async def test_it_fires_at_each_occurrence_and_says_when(bench: Bench) -> None:
    async with bench.serving():
        await bench.clock.wake(late=timedelta(milliseconds=4))
        first = await bench.function.next()
        await bench.clock.wake()
        second = await bench.function.next()
    assert first == (
        "22 16:00:00",
        {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": {
                "Last": "0001-01-01T00:00:00+00:00",
                "Next": "2026-11-22T16:00:00+00:00",
                "LastUpdated": "2026-11-22T15:43:30+00:00",
            },
            "IsPastDue": False,
        },
    )
    assert second[0] == "22 17:00:00"
    assert second[1]["ScheduleStatus"] == {
        "Last": "2026-11-22T16:00:00.004000+00:00",
        "Next": "2026-11-22T17:00:00+00:00",
        "LastUpdated": "2026-11-22T16:00:00.004000+00:00",
    }


async def test_an_interval_counts_from_each_start(bench: Bench) -> None:
    async with bench.serving("00:10:00"):
        for expected in ("22 15:53:30", "22 16:03:30"):
            await bench.clock.wake()
            assert await bench.function.next_time() == expected


async def test_a_tick_missed_while_the_host_was_down_is_made_up_for_once(bench: Bench) -> None:
    async with bench.serving():
        await bench.clock.wake()
        await bench.function.next()
        await bench.clock.asleep()
    bench.clock.set(START + timedelta(hours=5))
    async with bench.serving(on_startup=True):
        when, request = await bench.function.next()
        assert (when, request["IsPastDue"]) == ("22 20:43:30", True)
        await bench.clock.wake()
        await bench.clock.wake()
        assert await bench.function.next_time() == "22 21:00:00"
    async with bench.serving():
        assert bench.function.fired.empty()


async def test_it_tells_when_it_is_due_next(bench: Bench) -> None:
    async with bench.serving("00:10:00") as timer:
        assert timer.next_occurrence() == START + timedelta(minutes=10)
    bench.clock.set(START + timedelta(minutes=4))
    async with bench.serving("00:10:00") as timer:
        assert timer.next_occurrence() == START + timedelta(minutes=10)  # a restart does not put it off
    bench.clock.set(START + timedelta(minutes=14))
    async with bench.serving("00:10:00") as timer:
        assert timer.next_occurrence() == START + timedelta(minutes=24)


async def test_the_first_tick_of_all_is_not_forgotten_either(bench: Bench) -> None:
    async with bench.serving():
        await bench.clock.asleep()
    bench.clock.set(START + timedelta(hours=1))
    async with bench.serving():
        assert (await bench.function.next())[1]["IsPastDue"] is True


async def test_a_tick_that_was_cut_short_counts_as_missed(bench: Bench) -> None:
    bench.function.may_end.clear()
    async with bench.serving():
        await bench.clock.wake()
        await bench.function.next()
    bench.function.may_end.set()
    bench.clock.set(START + timedelta(hours=1))
    async with bench.serving():
        assert (await bench.function.next())[1]["IsPastDue"] is True


@pytest.mark.parametrize(("schedule", "monitored"), [(HOURLY, False), ("*/20 * * * * *", True)])
async def test_others_are_not_made_up_for(bench: Bench, schedule: str, monitored: bool) -> None:
    async with bench.serving(schedule, monitored=monitored):
        await bench.clock.wake()
        _, request = await bench.function.next()
        await bench.clock.asleep()
    assert request["ScheduleStatus"] is None
    bench.clock.set(START + timedelta(hours=5))
    async with bench.serving(schedule, monitored=monitored):
        await bench.clock.wake()
        await bench.clock.wake()
        assert (await bench.function.next())[1]["IsPastDue"] is False


async def test_another_schedule_starts_afresh(bench: Bench) -> None:
    async with bench.serving():
        await bench.clock.asleep()
    bench.clock.set(START + timedelta(hours=5))
    async with bench.serving("0 0 7 * * *"):
        assert f"{await bench.clock.asleep():%d %H:%M}" == "22 16:00"  # the sleeper of the timer before
        await bench.clock.wake()
        await bench.clock.wake()
        when, request = await bench.function.next()
    assert (when, request["IsPastDue"]) == ("23 07:00:00", False)


async def test_it_fires_when_the_host_starts_if_it_is_told_to(bench: Bench) -> None:
    async with bench.serving(on_startup=True):
        when, request = await bench.function.next()
        assert (when, request["IsPastDue"]) == ("22 15:43:30", False)
        assert f"{await bench.clock.asleep():%H:%M}" == "16:00"


async def test_ticks_during_a_long_one_become_one_right_after(bench: Bench) -> None:
    async with bench.serving():
        await bench.clock.wake()
        bench.function.may_end.clear()
        await bench.function.next()
        bench.clock.set(START + timedelta(hours=3))
        bench.function.may_end.set()
        assert await bench.function.next_time() == "22 18:43:30"
        assert f"{await bench.clock.asleep():%H:%M}" == "19:00"


async def test_by_hand_it_waits_for_its_turn_and_leaves_the_schedule_alone(bench: Bench) -> None:
    async with bench.serving() as timer:
        await bench.clock.asleep()
        await timer.fire_by_hand()
        assert await bench.function.next_time() == "22 15:43:30"
        bench.function.may_end.clear()
        by_hand = [asyncio.create_task(timer.fire_by_hand()) for _ in range(2)]
        await bench.clock.wake()
        assert await bench.function.next_time() == "22 16:00:00"
        bench.function.may_end.set()
        await asyncio.gather(*by_hand)
        assert f"{await bench.clock.asleep():%H:%M}" == "17:00"


async def test_a_clock_set_back_fires_nothing_twice(bench: Bench) -> None:
    async with bench.serving():
        await bench.clock.wake(late=timedelta(seconds=-2))
        await bench.function.next()
        assert f"{await bench.clock.asleep():%H:%M}" == "17:00"


async def test_a_full_disk_does_not_stop_the_schedule(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    async with bench.serving():
        await bench.clock.asleep()
        bench.path.with_name("timers.json.new").mkdir()  # it cannot be written
        for expected in ("22 16:00:00", "22 17:00:00"):
            await bench.clock.wake()
            assert await bench.function.next_time() == expected
        await bench.clock.asleep()
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "cannot be remembered" in caplog.text


def test_a_file_of_somebody_elses_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    path.write_text('{"hourly": {"next": "tomorrow"}}')
    with pytest.raises(StartupError, match=r"timers\.json is not what this host wrote"):
        Monitor(path)
