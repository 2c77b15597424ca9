"""The demo's terminal, and a picture of it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from rich.console import Console, Group, NewLine
from rich.control import Control
from rich.segment import Segments

PICTURE_WIDTH = 110
PICTURE_LINES = 58
FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


class Screen(Console):
    """A console that remembers what it printed. What moves (a panel, until it is gone) is not remembered."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, **options)
        self._printed: list[Any] = []

    def print(self, *objects: Any, **options: Any) -> None:
        # A panel clears its place with control codes and new lines.
        self._printed += [thing for thing in objects or ("",) if not isinstance(thing, Control | NewLine)]
        super().print(*objects, **options)

    def save_picture(self, path: Path) -> None:
        """Write the last lines printed as an SVG file that needs nothing from elsewhere."""
        easel = Console(
            record=True,
            file=io.StringIO(),
            width=PICTURE_WIDTH,
            highlight=False,
            force_terminal=True,
            color_system="truecolor",
        )
        lines = easel.render_lines(Group(*self._printed), pad=False, new_lines=True)[-PICTURE_LINES:]
        easel.print(Segments([segment for line in lines for segment in line]), end="")
        path.write_text(_self_contained(easel.export_svg(title="make demo", unique_id="demo")), encoding="utf-8")


def _self_contained(svg: str) -> str:
    """rich's pictures load their font from a server."""
    without_fonts = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return without_fonts.replace("Fira Code, monospace", FONTS)
