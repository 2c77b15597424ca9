"""Texts that say nearly the same are told from those that do not, by a few numbers each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fingerprints import MOST, are_alike, fingerprint, likeness

LONG = " ".join(f"point {number} of the plan costs {number * 7} a year" for number in range(40))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Yes.", "yes"),
        ("I agree with Bob: take the key, it is safer.", "I AGREE with Bob - take the key; it is safer!"),
        ("Let us keep the old door and paint it green next week.", "Let us keep the old door and paint it green."),
        (LONG, LONG.replace("point 7 ", "point seven ")),
        ("この鍵がいいと思います。", "この鍵がいいと思います"),
    ],
)
def test_nearly_the_same(one: str, other: str) -> None:
    assert are_alike(fingerprint(one), fingerprint(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Yes.", "No."),
        ("", ""),
        ("?!", "..."),
        ("We should take the key.", "We should take the ring."),
        ("We should take the key.", "We should take the ring, for the key may be lost."),
        ("I think the door should be green.", "I think the price should be lower."),
        (LONG, LONG.upper().replace("COSTS", "SAVES").replace("OF THE PLAN", "IN OUR LIST")),
        ("この鍵がいいと思います。", "指輪のほうがきれいです。"),
    ],
)
def test_not_the_same(one: str, other: str) -> None:
    assert not are_alike(fingerprint(one), fingerprint(other))


@given(st.text())
def test_a_fingerprint_is_small_sorted_and_the_same_each_time(text: str) -> None:
    numbers = fingerprint(text)
    assert numbers == fingerprint(text)
    assert list(numbers) == sorted(set(numbers))
    assert len(numbers) <= MOST
    assert all(0 <= number < 2**32 for number in numbers)


@given(st.text(), st.text())
def test_likeness_goes_both_ways_and_is_whole_for_the_same(one: str, other: str) -> None:
    first, second = fingerprint(one), fingerprint(other)
    assert likeness(first, second) == likeness(second, first)
    assert 0 <= likeness(first, second) <= 1
    assert likeness(first, first) == (1 if first else 0)
