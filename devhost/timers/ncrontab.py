"""NCRONTAB, the cron of timer triggers.

`cronsim` walks the calendar: it is small, typed, kept up, knows seconds and moves through a clock change by real time.
The fields are read here, because NCRONTAB is not quite the cron that it, croniter and the like know: both day fields
must match (cron takes either), Sunday is 0 only, names are whole or cut short, a range may be written backwards, and
`L`, `W` and `#` do not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from cronsim import CronSim, CronSimError

_TERM = re.compile(r"(?P<first>\*|\w+)(-(?P<last>\w+))?(/(?P<step>\d+))?")


class ScheduleError(ValueError):
    """A schedule that cannot be read. The message is half a sentence that says what is wrong."""


@dataclass(frozen=True)
class _Field:
    title: str
    low: int
    high: int
    names: Sequence[str] = ()

    def values(self, text: str) -> set[int]:
        """The values a field allows. Raises `ScheduleError`."""
        return {value for term in text.split(",") for value in self._term(term)}

    def _term(self, term: str) -> Iterator[int]:
        found = _TERM.fullmatch(term)
        if found is None or (found["first"] == "*" and found["last"]):
            raise self._error(term)
        step = int(found["step"] or 1)
        if step == 0:
            raise self._error(term)
        if found["first"] == "*":
            first, last = self.low, self.high
        else:
            first = self._value(found["first"])
            open_end = self.high if found["step"] else first
            last = self._value(found["last"]) if found["last"] else open_end
        yield from range(min(first, last), max(first, last) + 1, step)

    def _value(self, text: str) -> int:
        if text.isdecimal() and self.low <= int(text) <= self.high:
            return int(text)
        for number, name in enumerate(self.names, self.low):
            if name.startswith(text.upper()):
                return number
        raise self._error(text)

    def _error(self, text: str) -> ScheduleError:
        return ScheduleError(f"'{text}' is no {self.title} ({self.low} to {self.high})")


_MONTHS = (
    "JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE",
    "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER",
)  # fmt: skip
_DAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 6, _DAYS),
)


class CronSchedule:
    """An NCRONTAB expression in a time zone. Five fields are cron's, at second 0, as in the timer extension."""

    adjusts_for_dst = True

    def __init__(self, expression: str, zone: tzinfo = UTC) -> None:
        """Raises `ScheduleError` for an expression that cannot be read or never occurs."""
        texts = expression.split()
        if len(texts) == 5:
            texts.insert(0, "0")
        if len(texts) != 6:
            raise ScheduleError(f"'{expression}' has {len(texts)} fields, not 6 (second first)")
        values = [field.values(text) for field, text in zip(_FIELDS, texts, strict=True)]
        self._weekdays = values.pop()
        self._days = " ".join(",".join(map(str, sorted(allowed))) for allowed in values) + " *"
        self._zone = zone
        self._is_interval = any(mark in text for text in texts[:3] for mark in "*-/")
        try:
            CronSim(self._days, datetime.now(zone))
        except CronSimError as error:
            raise ScheduleError(f"'{expression}' names a day that its months do not have") from error

    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence later than `moment` (aware), in the schedule's time zone."""
        local = moment.astimezone(self._zone)
        if self._is_interval:
            return self._walk(local)
        # A time of day occurs once when the clock goes back over it, and late by the gap when the clock skips it: so
        # the walk is by the clock on the wall.
        wall = local.replace(tzinfo=None)
        while True:
            wall = self._walk(wall)
            found = wall.replace(tzinfo=self._zone).astimezone(UTC)
            if found > moment:
                return found.astimezone(self._zone)

    def _walk(self, moment: datetime) -> datetime:
        while (found := next(CronSim(self._days, moment))).isoweekday() % 7 not in self._weekdays:
            moment = found.replace(hour=23, minute=59, second=59)
        return found
