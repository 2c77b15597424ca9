"""The schedule of a timer trigger: an NCRONTAB expression or a fixed interval."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from devhost.timers.ncrontab import CronSchedule, ScheduleError

ZONE_SETTING = "WEBSITE_TIME_ZONE"

_TIMESPAN = re.compile(
    r"((?P<days>\d{1,5})(\.|:(?=\d+:\d+:)))?"  # after a colon they are days only if three more parts follow
    r"(?P<hours>\d{1,5}):(?P<minutes>\d{1,2})(:(?P<seconds>\d{1,2}(\.\d{1,7})?))?"
)
_MONITORED_FROM = timedelta(minutes=1)


class Schedule(Protocol):
    """When a timer fires."""

    @property
    def adjusts_for_dst(self) -> bool:
        """Whether it follows the clock on the wall."""

    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence later than `moment`. Both are aware."""


class Interval:
    """A fixed time from each firing to the next."""

    adjusts_for_dst = False

    def __init__(self, length: timedelta, zone: tzinfo = UTC) -> None:
        self._length = length
        self._zone = zone

    def next_after(self, moment: datetime) -> datetime:
        return (moment.astimezone(UTC) + self._length).astimezone(self._zone)


def parse_schedule(text: str, environ: Mapping[str, str]) -> Schedule:
    """The schedule of a trigger, in the time zone of the settings. Raises `ScheduleError`."""
    zone = _zone(environ)
    length = parse_timespan(text)
    if length is None:
        return CronSchedule(text, zone)
    if length <= timedelta():
        raise ScheduleError(f"'{text}' is no time at all")
    return Interval(length, zone)


def parse_timespan(text: str) -> timedelta | None:
    """A .NET TimeSpan, `[d.]hh:mm[:ss[.fffffff]]` or `dd:hh:mm`, or None for text of another form.

    As .NET reads it, a first part of 24 or more counts days: `24:00:00` is 24 days. Raises `ScheduleError` for parts
    out of range.
    """
    found = _TIMESPAN.fullmatch(text.strip())
    if found is None:
        return None
    days, hours, minutes, seconds = (float(found[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
    if not found["days"] and hours >= 24:
        days, hours, minutes, seconds = hours, minutes, seconds, 0
    if hours >= 24 or minutes >= 60 or seconds >= 60:
        raise ScheduleError(f"'{text}' is no time of the form [d.]hh:mm:ss")
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def is_monitored(schedule: Schedule, now: datetime) -> bool:
    """Whether missed occurrences are made up for: only those of a minute or more are worth it, as on Azure."""
    first = schedule.next_after(now)
    return schedule.next_after(first) - first >= _MONITORED_FROM


def _zone(environ: Mapping[str, str]) -> tzinfo:
    name = environ.get(ZONE_SETTING)
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # unknown, no relative path, a folder of zones
        raise ScheduleError(f"the setting {ZONE_SETTING} is '{name}', which is no name like Europe/Berlin") from None
