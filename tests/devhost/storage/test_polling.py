"""How long a queue is left alone."""

from __future__ import annotations

from datetime import timedelta

from devhost.storage.polling import Backoff


def test_waits_double_up_to_the_longest_and_begin_again() -> None:
    backoff = Backoff(timedelta(seconds=1))
    waits = [backoff.next() for _ in range(6)]
    backoff.reset()
    for wait, expected in zip(waits, (0.1, 0.2, 0.4, 0.8), strict=False):
        assert abs(wait - expected) <= expected / 5 + 1e-9
    assert waits[-1] == 1
    assert backoff.next() <= 0.12


def test_the_shortest_longest() -> None:
    backoff = Backoff(timedelta(milliseconds=100))
    assert max(backoff.next() for _ in range(20)) <= 0.1
