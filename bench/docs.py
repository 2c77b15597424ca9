"""Puts the tables and plots into docs/performance.md, between its markers; the text around them is written by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.growth import Line
from bench.measure import Measurement
from bench.process import ROOT
from bench.report import sheets
from bench.results import Results
from bench.svg import Point, chart

PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"
BEGIN, END = "<!-- bench: written by `make bench` -->", "<!-- /bench -->"


def write_docs(results: Results, page: Path = PAGE, images: Path = IMAGES) -> None:
    plots = plots_of(results)
    for name, (_, svg) in plots.items():
        (images / f"performance-{name}.svg").write_text(svg)
    pictures = [f"![{title}](images/performance-{name}.svg)" for name, (title, _) in plots.items()]
    parts = [_where(results), *(sheet.markdown() for sheet in sheets(results)), *pictures]
    page.write_text(inserted(page.read_text(), "\n\n".join(parts)))


def inserted(page: str, text: str, first: str = BEGIN, last: str = END) -> str:
    """The page with the text between its markers. Raises `ValueError` for a page without them."""
    before, begin, rest = page.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"the page has no {first} … {last}")
    return f"{before}{first}\n\n{text}\n\n{last}{after}"


def _where(results: Results) -> str:
    machine = results.machine
    paces = [pace for one in results.measured for pace in one.pace_ms]
    pace = f" A fixed loop took {min(paces):.0f} to {max(paces):.0f} ms meanwhile." if paces else ""
    settings = "; ".join(
        f"{side}: {text}"
        for side, text in sorted({(one.side, one.settings) for one in results.measured if one.settings})
    )
    return (
        f"Measured at commit {machine['commit'][:12]} on {machine['cores']} cores of {machine['processor']}, "
        f"Python {machine['python']}, SQLite {machine['sqlite']}, load average "
        f"{machine['load_average'][0]:.1f} at the start.{pace} "
        f"Durability as found: {settings}."
    )


def plots_of(results: Results) -> dict[str, tuple[str, str]]:
    """Title and SVG by name, of what was measured."""
    growth = results.growth
    waiting = {name: line for one in growth.waiting for name, line in one.points.items()}
    plots = (
        Plot("steps-time", "Time of a step against the steps of a chat", "turns", "ms", _by_side(growth.steps, _time)),
        Plot(
            "steps-bytes", "Stored per step against the steps of a chat", "turns", "KB", _by_side(growth.steps, _size)
        ),
        Plot("history", "Time of a turn against the turns before it", "turn", "ms", _lines(growth.history, "ms")),
        Plot("waiting", "A step of ours beside executions that wait", "waiting", "ms or MB", waiting),
    )
    return {plot.name: (plot.title, plot.draw()) for plot in plots if any(plot.lines.values())}


@dataclass(frozen=True)
class Plot:
    name: str
    title: str
    across: str
    up: str
    lines: dict[str, list[Point]]

    def draw(self) -> str:
        """What is 0 has no place on a logarithmic axis, and is left out."""
        positive = {name: [point for point in line if min(point) > 0] for name, line in self.lines.items()}
        return chart(self.title, self.across, self.up, {name: line for name, line in positive.items() if line})


def _time(one: Measurement) -> float:
    return median(one.wall_ms)


def _size(one: Measurement) -> float:
    return (one.bytes or 0) / 1024 / one.steps


def _lines(lines: list[Line], what: str) -> dict[str, list[Point]]:
    return {line.side: line.points[what] for line in lines if what in line.points}


def _by_side(measured: list[Measurement], value: Callable[[Measurement], float]) -> dict[str, list[Point]]:
    lines: defaultdict[str, list[Point]] = defaultdict(list)
    for one in measured:
        if one.error is None:
            lines[one.side].append((one.steps, value(one)))
    return dict(lines)
