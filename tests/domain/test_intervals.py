"""Intervals, against values worked out elsewhere, and what must hold for any results."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.intervals import Interval, bootstrap, mcnemar, wilson


@pytest.mark.parametrize(
    ("passed", "of", "low", "high"),
    [
        # Published examples of the score interval: Newcombe 1998 (table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (10, 10, 0.7225, 1.0),
    ],
)
def test_rates(passed: int, of: int, low: float, high: float) -> None:
    found = wilson(passed, of)
    assert found is not None
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_of_nothing_nothing_is_said() -> None:
    assert wilson(0, 0) is None
    assert bootstrap([]) is None
    assert bootstrap([0.5]) is None
    assert bootstrap([0.5] * 4) == Interval(low=0.5, high=0.5)


@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_rate_is_in_its_interval(case: tuple[int, int]) -> None:
    passed, of = case
    found = wilson(passed, of)
    assert found is not None
    assert 0 <= found.low <= passed / of <= found.high <= 1


def test_means_are_close_to_the_normal_interval_of_many_values() -> None:
    chance = Random(7)
    values = [chance.gauss(0.6, 0.2) for _ in range(400)]
    mean = sum(values) / 400
    error = 1.96 * (sum((value - mean) ** 2 for value in values) / 399) ** 0.5 / 20
    found = bootstrap(values)
    assert found is not None
    assert found.low == pytest.approx(mean - error, abs=0.003)
    assert found.high == pytest.approx(mean + error, abs=0.003)
    assert bootstrap(values) == found, "the same values, another interval"


@pytest.mark.parametrize(
    ("gained", "lost", "chance"),
    [(0, 0, 1.0), (1, 9, 0.021484375), (5, 5, 1.0), (0, 6, 0.03125), (10, 2, 0.03857421875)],
)
def test_whether_one_does_better(gained: int, lost: int, chance: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(chance)
    assert mcnemar(lost, gained) == pytest.approx(chance)
