"""Texts in passages: cut where their author cut them (headings, paragraphs, lines, sentences), none above a size.

A passage is a slice of the text, so that it can be shown where it stands. One that goes on in the next gives it its
last sentences to begin with; over a heading nothing is carried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

Count = Callable[[str], int]
"""Tokens of a text."""
SIZE = 400
"""Most tokens of a passage, of those that it has in common with the one before as well."""
OVERLAP = 60
"""Most tokens that a passage has in common with the one before."""

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_FINER = (re.compile(r"\n"), re.compile(r"(?<=[.!?…。！？])\s*(?=\S)"), re.compile(r"\s+"))
"""Where a piece that is too long is cut: after lines, then after sentences, then after words."""
_SENTENCES = 2
_LONGEST_TITLE = 200


@dataclass(frozen=True)
class Passage:
    """`text[start:end]`; `headings` are those it stands under, the outermost first."""

    start: int
    end: int
    headings: tuple[str, ...]


@dataclass(frozen=True)
class _Piece:
    """What is not cut any further. `opens`: a heading stands before it, or it is one."""

    start: int
    end: int
    headings: tuple[str, ...]
    tokens: int
    opens: bool = False


def passages(text: str, count: Count, size: int = SIZE, overlap: int = OVERLAP) -> list[Passage]:
    """Of the whole text, but for blanks; in its order."""
    found: list[Passage] = []
    held: list[_Piece] = []
    for block in _blocks(text):
        for piece in _cut(text, block, count, size, overlap):
            total = sum(other.tokens for other in held)
            if total + piece.tokens > size or (piece.opens and total >= size // 3):
                # Headings go with what stands under them, unless there are too many of them for that.
                too_many = total >= size // 3 and all(one.opens for one in held)
                closed, held = (held, []) if too_many else _divided(held, piece, min(overlap, size - piece.tokens))
                found += [_joined(closed)] if closed else []
            held.append(piece)
    return [*found, _joined(held)] if held else found


def _joined(pieces: Sequence[_Piece]) -> Passage:
    named = next((piece for piece in pieces if not piece.opens), pieces[-1])
    return Passage(pieces[0].start, pieces[-1].end, named.headings)


def _divided(held: list[_Piece], piece: _Piece, room: int) -> tuple[list[_Piece], list[_Piece]]:
    """What is a passage now, and what the next one begins with: a heading that was left alone, or the overlap."""
    text = len(held)
    while text and held[text - 1].opens:
        text -= 1
    if text < len(held) or piece.opens:
        return held[:text], held[text:]
    kept = text
    while kept > 1 and (room := room - held[kept - 1].tokens) >= 0:
        kept -= 1
    return held, held[kept:]


def _cut(text: str, block: _Piece, count: Count, size: int, fine: int, level: int = 0) -> Iterator[_Piece]:
    """The block, in so many pieces that none is above the size, nor above the fine one if it has several sentences."""
    tokens = count(text[block.start : block.end])
    if tokens <= fine or (level >= _SENTENCES and tokens <= size):
        yield replace(block, tokens=tokens)
        return
    middle = (block.start + block.end) // 2
    is_last = level == len(_FINER)
    parts = [(block.start, middle), (middle, block.end)] if is_last else _parts(text, block, _FINER[level])
    for number, (start, end) in enumerate(parts):
        part = replace(block, start=start, end=end, opens=block.opens and number == 0)
        yield from _cut(text, part, count, size, fine, level + (not is_last))


def _parts(text: str, block: _Piece, boundary: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    start = block.start
    for found in boundary.finditer(text, block.start, block.end):
        if text[start : found.start()].strip():
            yield start, found.start()
        start = found.end()
    if text[start : block.end].strip():
        yield start, block.end


def _blocks(text: str) -> Iterator[_Piece]:
    """Paragraphs and headings, with the headings they stand under; what is fenced is one block, with its `#`."""
    headings: list[tuple[int, str]] = []
    start: int | None = None
    end, opens, fence = 0, False, ""
    for line_start, line in _lines(text):
        mark = _FENCE.match(line)
        if mark and (not fence or mark.group(1).startswith(fence)):
            fence = "" if fence else mark.group(1)
        heading = None if fence else _HEADING.match(line)
        if start is not None and not fence and (heading or not line.strip()):
            yield _Piece(start, end, _titles(headings), 0, opens)
            start, opens = None, False
        if heading:
            level = len(heading.group(1))
            headings = [(above, title) for above, title in headings if above < level]
            headings.append((level, heading.group(2).rstrip(" \t#")[:_LONGEST_TITLE]))
            opens = True
        if line.strip():
            start = line_start if start is None else start
            end = line_start + len(line)
        if heading:
            yield _Piece(line_start, end, _titles(headings), 0, True)
            start, opens = None, False
    if start is not None:
        yield _Piece(start, end, _titles(headings), 0, opens)


def _titles(headings: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(title for _, title in headings if title)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, text[start:end].rstrip()
        start = end + 1
