"""A bound on what an author's expression or schema may make this process do, counted while it is done.

No clock: what is refused here is refused on every machine, and again when an orchestrator is replayed.
"""

from __future__ import annotations

from domain.values import Json

MOST_WORK = 500_000
"""Cells looked at for one expression, template or check: half a second at most, and 100 MB."""
CHARACTERS = 100
"""A text of so many characters more is another cell."""


class TooMuchWork(Exception):
    """The bound is reached: whoever asked for the work says what to do about it."""


class Work:
    """What is left of a bound. A cell is one value or a hundred characters."""

    def __init__(self, most: int = MOST_WORK) -> None:
        self.left = most

    def charge(self, cells: int) -> None:
        """Raises `TooMuchWork` before the work is done, and from then on."""
        self.left -= cells
        if self.left < 0:
            raise TooMuchWork


def cells_of(value: Json) -> int:
    """The value's size: itself and all that is in it."""
    count = 0
    waiting = [value]
    while waiting:
        here = waiting.pop()
        count += 1
        if isinstance(here, str | bytes):
            count += len(here) // CHARACTERS
        elif isinstance(here, dict):
            count += sum(map(len, map(str, here))) // CHARACTERS
            waiting.extend(here.values())
        elif isinstance(here, list):
            waiting.extend(here)
    return count
