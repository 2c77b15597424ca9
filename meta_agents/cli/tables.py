"""Tables with a line for each row, in terminals of any width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from meta_agents.live.style import safe

_TEXTS = frozenset(
    {"AGENT", "AS", "ASKED", "DATA", "DESCRIPTION", "INPUT", "LAST", "MODEL", "OF", "OUTPUT", "STATUS", "STEP"}
    | {"STANDS FOR", "THEN", "THROUGH", "TITLE", "TOOL", "WHAT", "WORKFLOW"}
)
"""What may be cut short. Names, ids, times and numbers stay whole: half a number is another one."""
_SPARE = (
    *("SECONDS", "TOOK", "FAILURES", "ENDS", "RESERVED", "CALLS", "TOOL CALLS", "CASES", "LEFT", "RIGHT"),
    *("COST THEN", "UPDATED", "DEADLINE", "OTHERWISE", "CREATED", "COST"),
)
"""What goes where the terminal has no room for all, in this order."""
_LEAST = 12
"""Columns that a text needs at the least to say something."""
_GAP = 2


class OneLiners(Table):
    """A table of texts. In a narrow terminal headings are broken, texts cut short, and if that is not enough columns
    left out, which a last line says."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        super().add_row(*(Text(safe(cell), no_wrap=True, overflow="ellipsis") for cell in cells), **options)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = [(str(column.header), list(column.cells)) for column in self.columns]
        if _width([(heading, _natural(heading, cells)) for heading, cells in columns]) <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        broken = [(heading.replace(" ", "\n"), heading, cells) for heading, cells in columns]
        left_out = []
        for spare in _SPARE:
            if _width([(heading, _needed(shown, heading, cells)) for shown, heading, cells in broken]) <= (
                options.max_width
            ):
                break
            if any(heading == spare for _, heading, _ in broken):
                left_out.append(spare)
                broken = [column for column in broken if column[1] != spare]
        narrow = Table(box=None, pad_edge=False, header_style="bold")
        for shown, heading, _ in broken:
            narrow.add_column(shown, no_wrap=heading not in _TEXTS)
        for row in zip(*(cells for *_, cells in broken), strict=True):
            narrow.add_row(*row)
        yield from narrow.__rich_console__(console, options)
        if left_out:
            yield Text(f"A wider terminal also shows {_and(left_out)}.", "bright_black")


def table_of(*columns: str) -> Table:
    """An empty table, whose cells are texts."""
    table = OneLiners(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column not in _TEXTS)
    return table


def _natural(heading: str, cells: Sequence[Any]) -> int:
    return max(Text(line).cell_len for line in [*heading.split("\n"), *(cell.plain for cell in cells)])


def _needed(shown: str, heading: str, cells: Sequence[Any]) -> int:
    return min(_LEAST, _natural(shown, cells)) if heading in _TEXTS else _natural(shown, cells)


def _width(columns: Sequence[tuple[str, int]]) -> int:
    return sum(width for _, width in columns) + _GAP * (len(columns) - 1)


def _and(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
