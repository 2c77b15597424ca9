"""Puts the tables and plots into docs/performance.md, between its markers; the text around them is written by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

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


def inserted(page: str, text: str) -> str:
    """The page with the text between its markers. Raises `ValueError` for a page without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


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
    kilobytes = _by_side(growth.steps, lambda one: (one.bytes or 0) / 1024 / one.steps)
    wanted: list[tuple[str, str, str, str, dict[str, list[Point]]]] = [
        (
            "steps-time",
            "Time of a step against the steps of a chat",
            "turns",
            "ms per step",
            _by_side(growth.steps, lambda one: median(one.wall_ms)),
        ),
        ("steps-bytes", "Stored per step against the steps of a chat", "turns", "KB per step", kilobytes),
        ("history", "Time of a turn against the turns before it", "turn", "ms", dict(growth.history_ms)),
        (
            "waiting",
            "A step of ours beside executions that wait",
            "executions waiting",
            "ms",
            {"wall": growth.waiting_ms, "CPU": growth.waiting_cpu_ms},
        ),
        (
            "memory",
            "Memory of the host with executions that wait",
            "executions waiting",
            "MB",
            {"ours": growth.waiting_mb},
        ),
    ]
    drawn = {}
    for name, title, across, up, lines in wanted:
        positive = {side: [point for point in line if min(point) > 0] for side, line in lines.items()}
        kept = {side: line for side, line in positive.items() if line}
        if kept:
            drawn[name] = (title, chart(title, across, up, kept))
    return drawn


def _by_side(measured: list[Measurement], value: Callable[[Measurement], float]) -> dict[str, list[Point]]:
    lines: defaultdict[str, list[Point]] = defaultdict(list)
    for one in measured:
        if one.error is None:
            lines[one.side].append((one.steps, value(one)))
    return dict(lines)
