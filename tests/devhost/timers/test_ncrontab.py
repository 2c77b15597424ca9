"""What NCRONTAB expressions mean, also where cron means something else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.timers.ncrontab import CronSchedule, ScheduleError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 15, 43, 30, 250_000, UTC)  # a Sunday


def occurrences(expression: str, after: datetime, count: int, zone: tzinfo = UTC) -> list[str]:
    schedule, found = CronSchedule(expression, zone), []
    for _ in range(count):
        after = schedule.next_after(after)
        found.append(f"{after:%m-%d %H:%M:%S}")
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", ["11-22 15:43:31", "11-22 15:43:32"]),
        ("0 */5 * * * *", ["11-22 15:45:00", "11-22 15:50:00"]),
        ("30 43 15 * * *", ["11-23 15:43:30", "11-24 15:43:30"]),  # the very second is over
        ("5/25 43 * * * *", ["11-22 15:43:55", "11-22 16:43:05"]),
        ("0 0 9-17/4 * * *", ["11-22 17:00:00", "11-23 09:00:00"]),
        ("0 15,45 16 * * *", ["11-22 16:15:00", "11-22 16:45:00"]),
        ("0 30 9 * JAN Mon", ["01-04 09:30:00", "01-11 09:30:00"]),
        ("0 0 0 * * tuesday,we", ["11-24 00:00:00", "11-25 00:00:00"]),
        ("0 0 0 * * fri-mon", ["11-23 00:00:00", "11-24 00:00:00"]),  # backwards: Monday to Friday
        ("0 0 0 * * 0", ["11-29 00:00:00", "12-06 00:00:00"]),
        ("0 0 0 * * 1/2", ["11-23 00:00:00", "11-25 00:00:00"]),
        ("0 0 0 13 * 5", ["08-13 00:00:00", "10-13 00:00:00"]),  # cron would take every 13th and every Friday
        ("0 0 0 29 2 *", ["02-29 00:00:00", "02-29 00:00:00"]),
        ("30 9 * * *", ["11-23 09:30:00", "11-24 09:30:00"]),  # five fields: the minute first
    ],
)
def test_occurrences(expression: str, expected: list[str]) -> None:
    assert occurrences(expression, NOW, 2) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("* * * *", "has 4 fields, not 6"),
        ("* * * * * * *", "has 7 fields, not 6"),
        ("60 * * * * *", "'60' is no second (0 to 59)"),
        ("* * 24 * * *", "'24' is no hour (0 to 23)"),
        ("* * * 0 * *", "'0' is no day of the month (1 to 31)"),
        ("* * * * * 7", "'7' is no day of the week (0 to 6)"),
        ("* * * L * *", "'L' is no day of the month"),
        ("* * * * * 5#2", "'5#2' is no day of the week"),
        ("*/0 * * * * *", "'*/0' is no second"),
        ("*-5 * * * * *", "'*-5' is no second"),
        ("1,, * * * * *", "'' is no second"),
        ("* * * * smarch *", "'smarch' is no month"),
        ("0 0 0 30 2 *", "names a day that its months do not have"),
    ],
)
def test_what_cannot_be_read_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        CronSchedule(expression)
    assert reason in str(refused.value)


def test_a_time_of_day_that_the_clock_skips_is_late() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
    assert occurrences("0 30 2 * * *", before, 3, BERLIN) == ["03-29 03:30:00", "03-30 02:30:00", "03-31 02:30:00"]


def test_a_time_of_day_that_comes_twice_counts_once() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    assert occurrences("0 30 2 * * *", before, 2, BERLIN) == ["10-25 02:30:00", "10-26 02:30:00"]
    again = datetime(2026, 10, 25, 2, 15, tzinfo=BERLIN, fold=1)
    assert occurrences("0 30 2 * * *", again, 1, BERLIN) == ["10-26 02:30:00"]


def test_an_interval_goes_on_through_the_hour_that_comes_twice() -> None:
    schedule, moment = CronSchedule("0 */30 * * * *", BERLIN), datetime(2026, 10, 25, 1, 45, tzinfo=BERLIN)
    for expected in range(6):
        moment = schedule.next_after(moment)
        assert moment.astimezone(UTC) == datetime(2026, 10, 25, 0, tzinfo=UTC) + timedelta(minutes=30 * expected)


@given(
    st.sampled_from(["0 */7 * * * *", "15,45 3 4-9 * 2-5 1-5", "0 0 12 1,15 * 1", "*/13 59 23 28-31 * *"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001 - hypothesis wants them naive
)
def test_it_is_the_first_after_any_moment(expression: str, moment: datetime) -> None:
    schedule, moment = CronSchedule(expression), moment.replace(tzinfo=UTC)
    found = schedule.next_after(moment)
    assert found > moment
    assert schedule.next_after(found - timedelta(microseconds=1)) == found  # it is an occurrence itself
    halfway = moment + (found - moment) / 2
    assert schedule.next_after(halfway) == found  # and there is none before
