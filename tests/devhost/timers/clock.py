"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta


class FakeClock:
    """Sleepers wake in order when the time is moved to theirs or past it."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._sleepers: list[tuple[datetime, asyncio.Event]] = []
        self._somebody_sleeps = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        """Move the time, backwards, too, and wake nobody."""
        self._now = now

    async def sleep_until(self, moment: datetime) -> None:
        if moment <= self._now:
            return
        alarm = asyncio.Event()
        self._sleepers.append((moment, alarm))
        self._somebody_sleeps.set()
        await alarm.wait()

    async def asleep(self) -> datetime:
        """Wait until somebody sleeps, and say until when."""
        async with asyncio.timeout(5):
            await self._somebody_sleeps.wait()
        return min(moment for moment, _ in self._sleepers)

    async def wake(self, late: timedelta = timedelta()) -> None:
        """Wait until somebody sleeps, and move the time to when the first of them wants to wake."""
        await self.asleep()
        self._sleepers.sort(key=lambda sleeper: sleeper[0])
        moment, alarm = self._sleepers.pop(0)
        if not self._sleepers:
            self._somebody_sleeps.clear()
        self._now = moment + late
        alarm.set()
