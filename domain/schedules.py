"""Starting a workflow by the clock: a schedule as its author writes it, and which of its times are due.

The clock is always given. `cronsim` walks the calendar as Debian's cron does: a time of day that the clock skips in
spring counts at the end of the gap, one that comes twice in autumn counts once, and an expression whose minute or hour
begins with `*` goes by real time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import dropwhile, islice, takewhile
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AwareDatetime, Field, ValidationInfo, field_validator

from domain.base import Name, Reference, Shape
from domain.errors import Problem
from domain.webhooks import Webhook

ON_TIME = timedelta(minutes=5)
"""A time that is looked at later than this was missed: `catch_up` says what becomes of it."""
MOST_CAUGHT_UP = 100
"""Of more missed times than this, only the latest are made up for."""

_AN_EXAMPLE = "such as `30 7 * * MON-FRI`"
_VALUES = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, and one that its months have, or L for the last",
    "month": "1 to 12, or JAN to DEC",
    "day-of-week": "0 to 7, or SUN to SAT",
}
_ANY_DATE = datetime(2000, 1, 1)  # noqa: DTZ001 - whether an expression ever occurs does not depend on the zone
_ZONE_CHANGES = timedelta(days=1)
"""No clock was ever set back or forward by more."""


class Schedule(Shape):
    """Starts an execution of a workflow at each of its times."""

    name: Name = Field(description="What it is managed by.")
    description: str = Field(default="", max_length=500, description="What it is for, in a line.")
    workflow: Reference = Field(description="What is started: `name`, as it is at that time, or `name@version`.")
    input: Any = Field(default_factory=dict, description="Satisfies the workflow's input schema.")
    webhook: Webhook | None = Field(default=None, description="Whom to call when an execution has ended.")
    cron: str = Field(
        max_length=200,
        description=f"Five fields, {_AN_EXAMPLE}: minute, hour, day of the month, month, day of the week.",
    )
    time_zone: str = Field(
        default="UTC", max_length=64, description="Where those are meant: an IANA name, such as `Europe/Berlin`."
    )
    paused: bool = Field(default=False, description="Starts nothing; what passes meanwhile is not made up for.")
    catch_up: Literal["skip", "last", "all"] = Field(
        default="last",
        description="Of the times that passed while the service was down: start none, the last, or all (at most 100).",
    )
    from_: AwareDatetime | None = Field(default=None, alias="from", description="Starts nothing before.")
    until: AwareDatetime | None = Field(default=None, description="Starts nothing after.")

    @field_validator("cron")
    @classmethod
    def _occurs(cls, cron: str) -> str:
        if len(cron.split()) != 5:
            raise ValueError(f"should be five fields, {_AN_EXAMPLE}: minute hour day-of-month month day-of-week")
        try:
            occurs = next(CronSim(cron, _ANY_DATE), None)
        except CronSimError as error:
            field = str(error).removeprefix("Bad ")
            raise ValueError(f"its {field} should be {_VALUES.get(field, _AN_EXAMPLE)}") from error
        if occurs is None:
            raise ValueError("never comes: no year has such a day")
        return cron

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, time_zone: str) -> str:
        try:
            ZoneInfo(time_zone)
        except (LookupError, ValueError, OSError) as error:  # unknown, no relative path, a folder of zones
            raise ValueError("is not the name of a time zone, such as `Europe/Berlin` or `UTC`") from error
        return time_zone

    @field_validator("until")
    @classmethod
    def _is_after_from(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        if until is not None and (begin := info.data.get("from_")) is not None and until < begin:
            raise ValueError("should not be before `from`")
        return until


class ScheduleState(Shape):
    """How far a schedule has come. Every time of it up to `since` is dealt with; `next` is the first one after that."""

    since: AwareDatetime
    next: AwareDatetime | None = Field(default=None, description="None when there is none, or while paused.")
    last_due: AwareDatetime | None = Field(default=None, description="The latest time at which it came to something.")
    last_execution: str | None = Field(default=None, description="The latest execution that was started.")
    last_error: Problem | None = Field(default=None, description="Why nothing was started at `last_due`.")

    def started(self, due: datetime, execution: str) -> ScheduleState:
        """The state after an execution was started for the time `due`."""
        update = {"since": due, "last_due": due, "last_execution": execution, "last_error": None}
        return self.model_copy(update=update)

    def failed(self, due: datetime, problem: Problem) -> ScheduleState:
        """The state after none could be. What may pass by itself leaves that time to be dealt with."""
        left = {"next": due} if problem.retryable else {"since": due}
        return self.model_copy(update={"last_due": due, "last_error": problem, **left})


def first_state(schedule: Schedule, now: datetime) -> ScheduleState:
    """The state of a schedule that counts from now."""
    return moved_to(ScheduleState(since=now), schedule, now)


def moved_to(state: ScheduleState, schedule: Schedule, since: datetime) -> ScheduleState:
    """The state with every time up to `since` dealt with."""
    times = [] if schedule.paused else next_times(schedule, since, 1)
    return state.model_copy(update={"since": since, "next": times[0] if times else None})


def changed_state(state: ScheduleState, old: Schedule, new: Schedule, now: datetime) -> ScheduleState:
    """The state of a schedule that was changed: other times count from now, the same ones go on as they were."""
    return state if _timing(old) == _timing(new) else moved_to(state, new, now)


def next_times(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    """Its next `count` times later than `after`, in UTC; fewer if it ends before."""
    if schedule.from_ is not None and schedule.from_ > after:
        after = schedule.from_ - timedelta(microseconds=1)
    # Where the clock was set back, the walk may begin with a time that was before.
    times = dropwhile(lambda time: time <= after, _walk(schedule, after))
    return list(islice(takewhile(lambda time: not _is_over(schedule, time), times), count))


def due_times(schedule: Schedule, since: datetime, now: datetime) -> list[datetime]:
    """The times later than `since` at which executions are to be started now, oldest first.

    All that are on time; of missed ones, those that `catch_up` says.
    """
    # Backwards, so that the many times missed in a year cost no more than those wanted.
    times = dropwhile(lambda time: time > now or _is_over(schedule, time), _walk(schedule, now, backwards=True))
    wanted = takewhile(lambda time: time > since and not _is_early(schedule, time), times)
    due = list(islice(wanted, MOST_CAUGHT_UP))[::-1]
    if not due or schedule.catch_up == "all" or now - due[0] <= ON_TIME:
        return due
    last = due[-1:]
    return last if schedule.catch_up == "last" or now - last[0] <= ON_TIME else []


def _walk(schedule: Schedule, start: datetime, *, backwards: bool = False) -> Iterator[datetime]:
    if backwards:
        if schedule.until is not None:
            start = min(start, schedule.until)
        start += _ZONE_CHANGES  # by the clock on the wall, a time just passed may still be to come
    try:
        for time in CronSim(schedule.cron, start.astimezone(ZoneInfo(schedule.time_zone)), reverse=backwards):
            yield time.astimezone(UTC)
    except OverflowError:
        return  # the calendar ends with the year 9999


def _is_early(schedule: Schedule, time: datetime) -> bool:
    return schedule.from_ is not None and time < schedule.from_


def _is_over(schedule: Schedule, time: datetime) -> bool:
    return schedule.until is not None and time > schedule.until


def _timing(schedule: Schedule) -> tuple[object, ...]:
    return schedule.cron, schedule.time_zone, schedule.from_, schedule.until, schedule.paused
