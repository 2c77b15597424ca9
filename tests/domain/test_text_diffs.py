"""Texts side by side: whatever they are, both can be read off the comparison."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from domain.text_diffs import Line, diff_lines

TEXTS = st.lists(st.text(alphabet="ab .\nß", max_size=12), max_size=8).map("\n".join)


def old(lines: list[Line]) -> list[str]:
    kept = [line for line in lines if line.kind != "added"]
    assert [line.before for line in kept] == list(range(1, len(kept) + 1))
    return [
        "".join(piece.text for piece in line.pieces if piece.kind != "added") if line.pieces else line.text
        for line in kept
    ]


def new(lines: list[Line]) -> list[str]:
    kept = [line for line in lines if line.kind != "removed"]
    assert [line.after for line in kept] == list(range(1, len(kept) + 1))
    return [
        "".join(piece.text for piece in line.pieces if piece.kind != "removed") if line.pieces else line.text
        for line in kept
    ]


def lines_of(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


@given(TEXTS, TEXTS)
def test_both_texts_are_in_it(before: str, after: str) -> None:
    lines = diff_lines(before, after)
    assert (old(lines), new(lines)) == (lines_of(before), lines_of(after))
    if before == after:
        assert {line.kind for line in lines} <= {"same"}


def test_a_changed_line_tells_its_words() -> None:
    lines = diff_lines("One.\nBe kind to guests.\nLast.", "One.\nBe very kind to all guests.\nNew.\nLast.")
    assert [(line.kind, line.before, line.after) for line in lines] == [
        ("same", 1, 1),
        ("changed", 2, 2),
        ("added", None, 3),
        ("same", 3, 4),
    ]
    assert [(piece.kind, piece.text) for piece in lines[1].pieces] == [
        ("same", "Be "),
        ("added", "very "),
        ("same", "kind to "),
        ("added", "all "),
        ("same", "guests."),
    ]


def test_lines_without_a_word_in_common_are_two() -> None:
    assert [line.kind for line in diff_lines("Be kind.", "Hurry up!")] == ["removed", "added"]


def test_the_longest_texts_take_a_moment() -> None:
    before, after = "a b " * 8_000, "b a " * 8_000
    begun = time.process_time()
    diff_lines(before, after)
    diff_lines(before.replace(" ", "\n"), after.replace(" ", "\n"))
    diff_lines("\n".join(["a b " * 140] * 57), "\n".join(["b a c " * 93] * 57))
    assert time.process_time() - begun < 5
