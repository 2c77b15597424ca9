"""How far a number that was found on a few cases may be from that on all: intervals of 95 %.

Rates by Wilson's score, which is right also for few cases and for rates of 0 and 1; means by the bootstrap with a
fixed seed, so that the same results always give the same interval; whether one of two does better by McNemar's test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import shake_128
from math import comb, sqrt
from statistics import NormalDist, fmean
from struct import unpack

from domain.base import Shape

LEVEL = 0.95
RESAMPLES = 2_000
LEAST_RESAMPLES = 400
MOST_DRAWS = 1_000_000
"""Of one bootstrap: with so many cases that it would take more, there are fewer resamples."""
_Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)


class Interval(Shape):
    low: float
    high: float


def wilson(passed: int, of: int) -> Interval | None:
    """Of a rate, `passed` of `of`; None when there is nothing to tell it from."""
    if of == 0:
        return None
    rate, square = passed / of, _Z**2
    center = (rate + square / (2 * of)) / (1 + square / of)
    margin = _Z * sqrt(rate * (1 - rate) / of + square / (4 * of**2)) / (1 + square / of)
    # The ends are 0 and 1 exactly where none or all have passed, which rounding would miss.
    return Interval(low=0.0 if passed == 0 else center - margin, high=1.0 if passed == of else center + margin)


def bootstrap(values: Sequence[float]) -> Interval | None:
    """Of the mean: the middle 95 % of the means of resamples; None for fewer than two values."""
    if len(values) < 2:
        return None
    if len(set(values)) == 1:
        return Interval(low=values[0], high=values[0])
    resamples = max(LEAST_RESAMPLES, min(RESAMPLES, MOST_DRAWS // len(values)))
    means = sorted(fmean(_drawn(values, number)) for number in range(resamples))
    tail = (1 - LEVEL) / 2
    return Interval(low=_quantile(means, tail), high=_quantile(means, 1 - tail))


def mcnemar(gained: int, lost: int) -> float:
    """The chance that as many or more of the cases which changed would have gone one way by luck (exact, two sides)."""
    changed, fewer = gained + lost, min(gained, lost)
    tail: float = sum(comb(changed, k) for k in range(fewer + 1)) / 2**changed
    return min(1.0, 2 * tail)


def _drawn(values: Sequence[float], number: int) -> Iterator[float]:
    """As many of the values, with replacement: drawn from the number alone, the same on every machine."""
    size = len(values)
    stream = shake_128(f"bootstrap {number}".encode()).digest(4 * size)
    return (values[draw * size >> 32] for draw in unpack(f"<{size}I", stream))


def _quantile(ordered: Sequence[float], part: float) -> float:
    at = part * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)
