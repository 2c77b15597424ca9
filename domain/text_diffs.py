"""Two texts side by side: line by line, and within a line that was changed word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from domain.base import Shape
from domain.work import Work

MOST_LINES = 2_000
"""Of one text: where there are more, the rest is told as one piece that was replaced."""
MOST_WORDS = 600
"""Of one line that is compared word by word."""
MOST_WORK = 2_000_000
"""For all lines of one comparison, words times words: those after it are not compared word by word."""
_WORDS = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")

Kind = Literal["same", "removed", "added", "changed"]


class Piece(Shape):
    """Part of a line. The pieces that are not `added` make the line as it was, those not `removed` as it is."""

    kind: Literal["same", "removed", "added"]
    text: str


class Line(Shape):
    """`before` and `after`: its numbers, from 1, in either text. `pieces` is there for a `changed` line."""

    kind: Kind
    before: int | None = None
    after: int | None = None
    text: str
    pieces: tuple[Piece, ...] = ()


def diff_lines(before: str, after: str) -> list[Line]:
    """Every line of both, in order. A `changed` line has the new one as its text."""
    old, new = _lines(before), _lines(after)
    found: list[Line] = []
    work = Work(MOST_WORK)
    for kind, begin, end, start, stop in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            pairs = zip(range(begin, end), range(start, stop), strict=True)
            found += [Line(kind="same", before=i + 1, after=j + 1, text=new[j]) for i, j in pairs]
        else:
            found += _replaced(old, new, range(begin, end), range(start, stop), work)
    return found


def _lines(text: str) -> list[str]:
    lines = text.split("\n", MOST_LINES)
    return lines[:-1] if lines[-1] == "" else lines


def _replaced(old: Sequence[str], new: Sequence[str], gone: range, come: range, work: Work) -> Iterator[Line]:
    """Lines that took the place of others are compared with them one by one."""
    for i, j in zip_longest(gone, come):
        if i is None:
            yield Line(kind="added", after=j + 1, text=new[j])
        elif j is None:
            yield Line(kind="removed", before=i + 1, text=old[i])
        elif pieces := _pieces(old[i], new[j], work):
            yield Line(kind="changed", before=i + 1, after=j + 1, text=new[j], pieces=pieces)
        else:
            yield Line(kind="removed", before=i + 1, text=old[i])
            yield Line(kind="added", after=j + 1, text=new[j])


def _pieces(before: str, after: str, work: Work) -> tuple[Piece, ...]:
    """Nothing for lines that have no word in common, or too many words."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > MOST_WORDS or work.left < len(old) * len(new):
        return ()
    work.charge(len(old) * len(new))
    found: list[Piece] = []
    for kind, begin, end, start, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Piece(kind="same", text="".join(new[start:stop])))
            continue
        if end > begin:
            found.append(Piece(kind="removed", text="".join(old[begin:end])))
        if stop > start:
            found.append(Piece(kind="added", text="".join(new[start:stop])))
    shares_a_word = any(piece.kind == "same" and not piece.text.isspace() for piece in found)
    return tuple(found) if shares_a_word else ()
