"""Schedules as triggers name them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from devhost.timers.ncrontab import ScheduleError
from devhost.timers.schedule import ZONE_SETTING, is_monitored, parse_schedule, parse_timespan

NOW = datetime(2026, 11, 22, 15, 43, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("00:05:00", timedelta(minutes=5)),
        ("00:00:01.5", timedelta(seconds=1.5)),
        ("01:30", timedelta(hours=1, minutes=30)),
        ("2.03:00:00", timedelta(days=2, hours=3)),
        ("2:03:00:00", timedelta(days=2, hours=3)),
        ("24:00:00", timedelta(days=24)),
        ("25:06:30", timedelta(days=25, hours=6, minutes=30)),
        ("0 0 * * * *", None),
        ("soon", None),
    ],
)
def test_timespans_are_read_as_dotnet_does(text: str, length: timedelta | None) -> None:
    assert parse_timespan(text) == length


def test_an_interval_is_reckoned_from_the_last_time() -> None:
    schedule = parse_schedule("00:05:00", {})
    assert schedule.next_after(NOW) == NOW + timedelta(minutes=5)
    assert not schedule.adjusts_for_dst


@pytest.mark.parametrize("text", ["00:00:00", "00:61:00", "1.24:00:00", "often", ""])
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(text, {})


def test_a_schedule_is_of_the_time_zone_of_the_settings() -> None:
    schedule = parse_schedule("0 0 12 * * *", {ZONE_SETTING: "Asia/Tokyo"})
    assert schedule.next_after(NOW).isoformat() == "2026-11-23T12:00:00+09:00"
    assert parse_schedule("0 0 12 * * *", {}).next_after(NOW).isoformat() == "2026-11-23T12:00:00+00:00"


@pytest.mark.parametrize("zone", ["Tokyo Standard Time", "../etc", "Asia"])
def test_an_unknown_time_zone(zone: str) -> None:
    with pytest.raises(ScheduleError, match=ZONE_SETTING):
        parse_schedule("0 0 12 * * *", {ZONE_SETTING: zone})


@pytest.mark.parametrize(
    ("text", "monitored"),
    [("0 * * * * *", True), ("30 * * * * *", True), ("*/30 * * * * *", False), ("00:01:00", True), ("00:00:59", False)],
)
def test_only_minutes_are_worth_remembering(text: str, monitored: bool) -> None:
    assert is_monitored(parse_schedule(text, {}), NOW) is monitored
