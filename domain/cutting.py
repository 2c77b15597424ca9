"""What of a prompt is left out, when all of it would not fit the model's window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.expressions import as_text
from domain.values import Json


@dataclass(frozen=True)
class Cut:
    """`turns`: so many of the oldest in view are not shown. `shorten`: what is told of a text, with a mark if not all.

    What an author wrote is told whole: only values, turns, summaries and results of tools are ever shortened.
    """

    turns: int = 0
    shorten: Callable[[str], str] | None = None

    def text(self, value: Json) -> str:
        told = as_text(value)
        return told if self.shorten is None else self.shorten(told)


WHOLE = Cut()
