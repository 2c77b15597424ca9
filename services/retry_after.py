"""How long another server asks us to wait before the next try."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 86_400.0
"""Seconds; a server that asks for more than a day is not believed."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` (seconds or a date); None if it says nothing usable."""
    seconds = _number(headers.get("retry-after-ms"), 1_000)
    if seconds is None:
        seconds = _number(headers.get("retry-after"), 1)
    if seconds is None:
        seconds = _until(headers.get("retry-after"), headers.get("date"))
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT)


def _number(text: str | None, per_second: int) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number / per_second if math.isfinite(number) else None


def _until(then: str | None, now: str | None) -> float | None:
    due = _date(then)
    # Against the endpoint's own clock when it tells us.
    return None if due is None else (due - (_date(now) or datetime.now(UTC))).total_seconds()


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
