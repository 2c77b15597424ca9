"""What is counted, and how an author's words are repeated to them."""

from __future__ import annotations

from typing import Any

import pytest

from domain import patterns
from domain.wording import did_you_mean, nearest, odd_character, shown
from domain.work import TooMuchWork, Work, cells_of


@pytest.mark.parametrize(
    ("value", "cells"),
    [
        (None, 1),
        ("x" * 99, 1),
        ("x" * 250, 3),
        ([1, [2, 3], {}], 6),
        ({"a": 1, "b": "x" * 100}, 4),
        ({"k" * 100: 1}, 3),
    ],
)
def test_a_cell_is_a_value_or_a_hundred_characters(value: Any, cells: int) -> None:
    assert cells_of(value) == cells


def test_a_bound_that_is_reached_stays_reached() -> None:
    work = Work(10)
    work.charge(10)
    for _ in range(2):
        with pytest.raises(TooMuchWork):
            work.charge(1)


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "text", "found"),
        [
            ("^a+$", "aaa", True),
            ("^a+$", "aaa\n", False),
            (r"^\u00e9\d$", "é1", True),
            (r"\\u00e9", "\\u00e9", True),
            ("b", "abc", True),
        ],
    )
    def test_they_match_as_json_schema_has_it(self, pattern: str, text: str, found: bool) -> None:
        assert patterns.found(pattern, text, Work()) is found

    def test_their_size_and_the_texts_are_counted(self) -> None:
        with pytest.raises(TooMuchWork):
            patterns.found("(a{0,100}){0,9}b", "a" * 100_000, Work())

    @pytest.mark.parametrize(
        ("pattern", "why"),
        [("[", "missing ]"), ("(?<=a)b", "look-around"), (r"(a)\1", "back-references"), ("a" * 1_001, "longer than")],
    )
    def test_what_cannot_be_taken_says_why(self, pattern: str, why: str) -> None:
        with pytest.raises(patterns.UnusablePattern, match=why):
            patterns.compiled(pattern)


class TestWording:
    def test_what_cannot_be_seen_is_shown(self) -> None:
        assert shown("a\u202eb\u200b\n") == "a\\u202eb\\u200b\\n"
        assert shown("x" * 200) == "x" * 79 + "…"

    def test_a_character_that_only_looks_right_is_named(self) -> None:
        assert odd_character("plain text") == ""
        assert odd_character("p\u0430y") == " (not `а`, U+0430 CYRILLIC SMALL LETTER A)"
        assert odd_character("a\u0007") == " (not U+0007 a control character)"

    def test_the_nearest_word_is_offered_if_one_is_near(self) -> None:
        assert did_you_mean("agnet", ["agent", "tool"]) == "; did you mean `agent`?"
        assert did_you_mean("zzz", ["agent"]) == ""
        assert nearest("x" * 1_000_000, ["x"]) is None
