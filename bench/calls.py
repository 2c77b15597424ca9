"""What the stub wrote down: which calls began and ended, and when."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

_WINDOW = 10
"""Turns on either side of the one whose time is asked for."""


@dataclass(frozen=True)
class Call:
    """`end` is None for a call under which the process was killed. Times as of `time.time()`."""

    key: str
    start: float
    end: float | None


def read_calls(log: Path) -> list[Call]:
    """All calls so far, in the order they began."""
    return parse_calls(log.read_text()) if log.exists() else []


def parse_calls(text: str) -> list[Call]:
    calls: list[Call] = []
    open_at: dict[str, int] = {}
    for line in text.splitlines():
        time, what, key = line.split(" ", 2)
        if what == "start":
            open_at[key] = len(calls)
            calls.append(Call(key, float(time), None))
        else:
            place = open_at.pop(key)
            calls[place] = Call(key, calls[place].start, float(time))
    return calls


def gaps_ms(calls: list[Call]) -> list[float]:
    """From the start of each call to that of the next."""
    return [(after.start - before.start) * 1000 for before, after in pairwise(calls)]


def turn_times(calls: list[Call]) -> tuple[float, float]:
    """Median ms from turn to turn, early (around the 20th, or the middle of a shorter one) and at the end."""
    gaps = gaps_ms(calls)
    middle = min(20, len(gaps) // 2)
    return median(gaps[max(0, middle - _WINDOW) : middle + _WINDOW]), median(gaps[-2 * _WINDOW :])


def run_again(before: list[Call], after: list[Call]) -> list[str]:
    """Keys of the calls that had ended in a process before it was killed, and were made again in the next one."""
    finished = {call.key for call in before if call.end is not None}
    return [call.key for call in after if call.key in finished]
