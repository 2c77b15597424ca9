"""One timer trigger: waits for each occurrence, fires the function, remembers it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from devhost.timers.clock import Clock
from devhost.timers.monitor import Monitor, ScheduleStatus
from devhost.timers.schedule import Schedule, is_monitored

log = logging.getLogger("devhost")

Fire = Callable[[str], Awaitable[None]]

_NEVER = "0001-01-01T00:00:00+00:00"  # .NET's default date


class Timer:
    """Fires one function, never twice at once. An occurrence that comes while it still runs follows right after."""

    def __init__(
        self, name: str, schedule: Schedule, monitor: Monitor | None, fire: Fire, clock: Clock, *, on_startup: bool
    ) -> None:
        """`fire` runs the function on the JSON of a TimerRequest and does not raise for what the function raised."""
        self._name = name
        self._schedule = schedule
        self._monitor = monitor if is_monitored(schedule, clock.now()) else None
        self._fire = fire
        self._clock = clock
        self._on_startup = on_startup
        self._one_at_a_time = asyncio.Lock()
        self._status = self._first_status(clock.now())
        self._missed_one = False

    def next_occurrence(self) -> datetime:
        """When it is due next, a missed occurrence left out."""
        now = self._clock.now()
        return self._status.next if self._status.next > now else self._schedule.next_after(now)

    def resume(self) -> None:
        """Go on from what is remembered of the time before this start."""
        now = self._clock.now()
        self._status = self._remembered(now)
        self._missed_one = self._status.next < now

    async def serve(self) -> None:
        """Fire at each occurrence, for ever. First make up for a missed one; that counts as the start's, too."""
        if self._missed_one:
            await self._tick(past_due=True)
        elif self._on_startup:
            await self._tick()
        while True:
            due = self._status.next
            await self._clock.sleep_until(due)
            await self._tick(due=due)

    async def fire_by_hand(self) -> None:
        """Fire now, or right after the tick that is under way. The schedule goes on as if nothing had been."""
        async with self._one_at_a_time:
            await self._fire(self._request(past_due=False))

    async def _tick(self, *, past_due: bool = False, due: datetime | None = None) -> None:
        async with self._one_at_a_time:
            started = self._clock.now()
            await self._fire(self._request(past_due=past_due))
            # Only now: if the host dies before, the tick is missed and made up for. A clock that was set back while
            # the timer slept must not make it fire for the same occurrence again.
            last = max(started, due) if due else started
            self._remember(ScheduleStatus(last=last, next=self._schedule.next_after(last), updated=last))

    def _first_status(self, now: datetime) -> ScheduleStatus:
        return ScheduleStatus(last=None, next=self._schedule.next_after(now), updated=now)

    def _remembered(self, now: datetime) -> ScheduleStatus:
        """The status to go on from: the stored one, unless the app's schedule is another since."""
        first = self._first_status(now)
        if self._monitor is None:
            return first
        stored = self._monitor.get(self._name)
        if stored is not None:
            expected = self._schedule.next_after(stored.reckoned_from)
            if stored.next == expected:
                return stored
            if expected > now:
                first = ScheduleStatus(last=None, next=expected, updated=stored.reckoned_from)
        self._remember(first)
        return first

    def _remember(self, status: ScheduleStatus) -> None:
        self._status = status
        if self._monitor is None:
            return
        try:
            self._monitor.set(self._name, status)
        except OSError as error:  # a full disk, say: better a tick too many after the next start than none until then
            log.error("%s: its occurrence at %s cannot be remembered: %s", self._name, status.updated, error)

    def _request(self, *, past_due: bool) -> str:
        """The JSON of a TimerRequest, as the timer extension writes it."""
        status = self._status
        times = {
            "Last": _NEVER if status.last is None else status.last.isoformat(),
            "Next": status.next.isoformat(),
            "LastUpdated": status.updated.isoformat(),
        }
        return json.dumps(
            {
                "Schedule": {"AdjustForDST": self._schedule.adjusts_for_dst},
                "ScheduleStatus": None if self._monitor is None else times,
                "IsPastDue": past_due,
            }
        )
