"""Virtual time."""

from __future__ import annotations

from datetime import UTC, datetime


class Clock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now
