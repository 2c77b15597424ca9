"""Which times a schedule has, through changes of the clock, and which of them are due."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import Code, Fault, Problem
from domain.schedules import (
    MOST_CAUGHT_UP,
    ON_TIME,
    Schedule,
    ScheduleState,
    changed_state,
    due_times,
    first_state,
    moved_to,
    next_times,
)
from domain.validation import details_of

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HELPLESS = Problem(code=Code.NOT_FOUND, message="No.", action="Look.", fault=Fault.CALLER)
DOWN = Problem(code=Code.PLATFORM_FAILED, message="No.", action="Wait.", fault=Fault.PLATFORM, retryable=True)


def schedule(cron: str, **fields: Any) -> Schedule:
    return Schedule.model_validate({"name": "s", "workflow": "w", "cron": cron, **fields})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times_of(cron: str, zone: str, first: str, last: str) -> list[str]:
    """The schedule's times from first to last, as clocks in UTC show them."""
    times = next_times(schedule(cron, time_zone=zone), utc(first), 1_000)
    return [f"{time:%d %H:%M}" for time in times if time <= utc(last)]


class TestClocks:
    """Berlin: 29 March 2026 from 2 to 3, 25 October from 3 to 2. New York: 8 March and 1 November, the latter at 2."""

    @pytest.mark.parametrize(
        ("cron", "zone", "around", "expected"),
        [
            # Skipped in spring: at the end of the gap, once.
            ("30 2 * * *", BERLIN, "2026-03-29", ["28 01:30", "29 01:00", "30 00:30"]),
            ("0,30 2 * * *", BERLIN, "2026-03-29", ["28 01:00", "28 01:30", "29 01:00", "30 00:00", "30 00:30"]),
            ("0 2,3 * * *", BERLIN, "2026-03-29", ["28 01:00", "28 02:00", "29 01:00", "30 00:00", "30 01:00"]),
            ("30 2 * * *", NEW_YORK, "2026-03-08", ["07 07:30", "08 07:00", "09 06:30"]),
            # Twice in autumn: the first time.
            ("30 2 * * *", BERLIN, "2026-10-25", ["24 00:30", "25 00:30", "26 01:30"]),
            ("30 1 * * *", NEW_YORK, "2026-11-01", ["31 05:30", "01 05:30", "02 06:30"]),
            # Elsewhere in the day: by the clock on the wall.
            ("0 9 * * *", BERLIN, "2026-03-29", ["28 08:00", "29 07:00", "30 07:00"]),
            ("0 9 * * *", NEW_YORK, "2026-11-01", ["31 13:00", "01 14:00", "02 14:00"]),
        ],
    )
    def test_a_time_of_day_comes_once_a_day(self, cron: str, zone: str, around: str, expected: list[str]) -> None:
        day = utc(around)
        assert times_of(cron, zone, str(day - DAY), str(day + 2 * DAY - MINUTE)) == expected

    @pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, "Africa/Cairo", "Australia/Lord_Howe"])
    @pytest.mark.parametrize("first", ["2026-02-20", "2026-09-20"])
    def test_what_goes_by_minutes_goes_by_real_time(self, first: str, zone: str) -> None:
        times = next_times(schedule("*/15 * * * *", time_zone=zone), utc(first), 7_000)
        assert {after - before for before, after in itertools.pairwise(times)} == {15 * MINUTE}

    def test_an_hour_that_comes_twice_counts_twice_for_every_hour(self) -> None:
        assert times_of("0 * * * *", BERLIN, "2026-10-24T23:30", "2026-10-25T02:30") == [
            "25 00:00",
            "25 01:00",
            "25 02:00",
        ]

    def test_asked_in_the_second_of_two_hours_what_was_in_the_first_is_past(self) -> None:
        assert times_of("30 2 * * *", BERLIN, "2026-10-25T01:15", "2026-10-26T12:00") == ["26 01:30"]

    def test_the_calendar_has_an_end(self) -> None:
        last = datetime(9999, 12, 31, 23, 58, 30, tzinfo=UTC)
        assert next_times(schedule("* * * * *"), last, 5) == [datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]
        assert next_times(schedule("* * * * *", **{"from": "9999-12-31T23:59:30Z"}, time_zone=BERLIN), NOON, 5) == []


class TestBounds:
    def test_the_first_and_the_last_moment_count(self) -> None:
        bounded = schedule("0 * * * *", **{"from": "2026-05-04T14:00:00Z", "until": "2026-05-04T18:00:00+02:00"})
        times = [utc(f"2026-05-04T{hour}:00") for hour in (14, 15, 16)]
        assert next_times(bounded, NOON, 9) == times
        bounded = bounded.model_copy(update={"catch_up": "all"})
        assert due_times(bounded, NOON, NOON + DAY) == times
        assert due_times(bounded, NOON, NOON + HOUR) == []
        assert next_times(bounded, times[-1], 1) == []

    def test_the_moment_itself_is_past(self) -> None:
        assert next_times(schedule("0 12 * * *"), NOON, 1) == [NOON + DAY]
        assert due_times(schedule("0 12 * * *"), NOON, NOON + HOUR) == []
        assert due_times(schedule("0 12 * * *"), NOON - MINUTE, NOON) == [NOON]


class TestCatchingUp:
    @pytest.mark.parametrize("catch_up", ["skip", "last", "all"])
    def test_on_time_everything_is_due(self, catch_up: str) -> None:
        every_minute = schedule("* * * * *", catch_up=catch_up)
        late = NOON + 3 * MINUTE + timedelta(seconds=59)
        assert due_times(every_minute, NOON, late) == [NOON + number * MINUTE for number in (1, 2, 3)]
        assert due_times(schedule("0 12 * * *", catch_up=catch_up), NOON - DAY + MINUTE, NOON + ON_TIME) == [NOON]

    @pytest.mark.parametrize(("catch_up", "hours"), [("skip", []), ("last", [16]), ("all", [13, 14, 15, 16])])
    def test_after_an_outage(self, catch_up: str, hours: list[int]) -> None:
        every_hour = schedule("0 * * * *", catch_up=catch_up)
        assert due_times(every_hour, NOON, NOON + 4.5 * HOUR) == [NOON.replace(hour=hour) for hour in hours]

    def test_what_is_on_time_again_is_not_skipped(self) -> None:
        every_hour = schedule("0 * * * *", catch_up="skip")
        assert due_times(every_hour, NOON, NOON + 4 * HOUR + MINUTE) == [NOON + 4 * HOUR]

    def test_all_has_a_bound_and_takes_the_latest(self) -> None:
        every_minute = schedule("* * * * *", catch_up="all")
        due = due_times(every_minute, NOON - 3650 * DAY, NOON)
        assert len(due) == MOST_CAUGHT_UP
        assert due[-1] == NOON
        assert due == sorted(due)

    def test_nothing_is_due_before_its_time(self) -> None:
        assert due_times(schedule("0 13 * * *"), NOON, NOON + HOUR - timedelta(microseconds=1)) == []


CRONS = st.sampled_from(
    ["30 2 * * *", "0,30 1,2,3 * * *", "*/20 * * * *", "0 * * * *", "15 0 * * MON", "59 23 L * *", "*/30 1-3 * * *"]
)
ZONES = st.sampled_from([BERLIN, NEW_YORK, "UTC", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia"])
MOMENTS = st.integers(0, 20 * 365 * 1440).map(lambda minutes: utc("2010-01-01") + minutes * MINUTE)


@settings(max_examples=150, deadline=None)
@given(CRONS, ZONES, MOMENTS, st.lists(st.integers(0, 2_000), min_size=1, max_size=6))
def test_however_often_one_looks_each_time_is_due_once(
    cron: str, zone: str, begin: datetime, minutes: list[int]
) -> None:
    looked = schedule(cron, time_zone=zone, catch_up="all")
    now, state, due = begin, first_state(looked, begin), list[datetime]()
    for step in minutes:
        now += step * MINUTE
        found = due_times(looked, state.since, now)
        # What is next is what will be due: a sweep is sent there by it.
        assert found[:1] == ([state.next] if state.next is not None and state.next <= now else [])
        due += found
        state = moved_to(state, looked, now)
    if len(due) < MOST_CAUGHT_UP:
        assert due == [time for time in next_times(looked, begin, len(due) + 1) if time <= now]


class TestState:
    def test_another_timing_counts_from_now(self) -> None:
        old = schedule("0 * * * *")
        state = first_state(old, NOON)
        assert state.next == NOON + HOUR
        for change in ({"cron": "30 * * * *"}, {"time_zone": "Asia/Kolkata"}, {"until": NOON + DAY}, {"from": NOON}):
            new = Schedule.model_validate({**old.model_dump(by_alias=True), **change})
            later = NOON + 2.25 * HOUR
            assert changed_state(state, old, new, later) == moved_to(state, new, later)
            assert changed_state(state, old, new, later).since == later

    def test_the_same_timing_forgets_nothing(self) -> None:
        old = schedule("0 * * * *")
        state = first_state(old, NOON)
        new = old.model_copy(update={"workflow": "other", "input": {"a": 1}, "catch_up": "all", "description": "x"})
        assert changed_state(state, old, new, NOON + DAY) == state

    def test_paused_it_has_no_next_time_and_what_passes_is_past(self) -> None:
        going = schedule("0 * * * *")
        paused = going.model_copy(update={"paused": True})
        state = changed_state(first_state(going, NOON), going, paused, NOON + MINUTE)
        assert state.next is None
        resumed = changed_state(state, paused, going, NOON + DAY + MINUTE)
        assert (resumed.since, resumed.next) == (NOON + DAY + MINUTE, NOON + DAY + HOUR)

    def test_what_came_of_a_time_is_kept(self) -> None:
        state = ScheduleState(since=NOON, next=NOON + HOUR)
        failed = state.failed(NOON + HOUR, HELPLESS)
        assert (failed.since, failed.last_due, failed.last_error) == (NOON + HOUR, NOON + HOUR, HELPLESS)
        good = failed.started(NOON + 2 * HOUR, "e")
        assert (good.since, good.last_execution, good.last_error) == (NOON + 2 * HOUR, "e", None)

    def test_what_may_pass_leaves_the_time_to_be_dealt_with(self) -> None:
        state = ScheduleState(since=NOON, next=NOON + HOUR).started(NOON + HOUR, "e").failed(NOON + 2 * HOUR, DOWN)
        assert (state.since, state.next, state.last_error) == (NOON + HOUR, NOON + 2 * HOUR, DOWN)
        assert (state.last_due, state.last_execution) == (NOON + 2 * HOUR, "e")


class TestMistakes:
    @pytest.mark.parametrize(
        ("change", "where", "what"),
        [
            ({"cron": "* * * *"}, "/cron", "five fields"),
            ({"cron": "0 * * * * *"}, "/cron", "five fields"),
            ({"cron": "@daily"}, "/cron", "five fields"),
            ({"cron": ""}, "/cron", "five fields"),
            ({"cron": "60 * * * *"}, "/cron", "its minute should be 0 to 59"),
            ({"cron": "0 24 * * *"}, "/cron", "its hour should be 0 to 23"),
            ({"cron": "0 0 32 * *"}, "/cron", "its day-of-month should be 1 to 31"),
            ({"cron": "0 0 30 2 *"}, "/cron", "one that its months have"),
            ({"cron": "0 0 1 13 *"}, "/cron", "its month should be"),
            ({"cron": "0 0 * * MONDAY"}, "/cron", "its day-of-week should be 0 to 7, or SUN to SAT"),
            ({"cron": "*/0 * * * *"}, "/cron", "its minute"),
            ({"cron": "1" * 201}, "/cron", "at most 200"),
            ({"time_zone": "Berlin"}, "/time_zone", "such as `Europe/Berlin`"),
            ({"time_zone": "Europe"}, "/time_zone", "such as `Europe/Berlin`"),
            ({"time_zone": "../../etc/passwd"}, "/time_zone", "such as `Europe/Berlin`"),
            ({"time_zone": ""}, "/time_zone", "such as `Europe/Berlin`"),
            ({"time_zone": "a\0b"}, "/time_zone", "such as `Europe/Berlin`"),
            ({"catch_up": "some"}, "/catch_up", "`skip`, `last` or `all`"),
            ({"from": "2026-01-02T00:00:00"}, "/from", "timezone"),
            ({"from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "/until", "before `from`"),
            ({"workflow": "Brief"}, "/workflow", "`name@version`"),
            ({"timezone": "UTC"}, "/timezone", "did you mean `time_zone`?"),
        ],
    )
    def test_each_is_named_and_so_is_what_to_write(self, change: dict[str, Any], where: str, what: str) -> None:
        written = {"name": "s", "workflow": "w", "cron": "0 7 * * *", **change}
        with pytest.raises(ValidationError) as caught:
            Schedule.model_validate(written)
        [detail] = details_of(caught.value, Schedule, written)
        assert (detail.pointer, what in detail.message) == (where, True), detail

    @settings(max_examples=300, deadline=None)
    @given(st.text(alphabet="0123456789*/,-#LWMONJAN @", max_size=30))
    def test_whatever_is_written_is_read_or_refused(self, cron: str) -> None:
        try:
            found = schedule(cron)
        except ValidationError:
            return
        assert next_times(found, NOON, 1)
