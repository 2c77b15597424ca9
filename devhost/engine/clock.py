"""Time as the engine keeps it: UTC, microseconds, as text that sorts in time order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """`2026-01-31T12:00:00.000000Z`: always six digits, so that texts compare as times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """The aware time that `to_text` wrote; the SDK prints its own times in the same form."""
    return datetime.fromisoformat(text).astimezone(UTC)
