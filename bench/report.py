"""Results as tables of text, for the terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table

from bench.killing import Killed
from bench.measure import Measurement
from bench.results import Results
from bench.starting import Started


@dataclass(frozen=True)
class Sheet:
    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def rich(self) -> Table:
        table = Table(title=self.title, title_justify="left")
        for place, heading in enumerate(self.headings):
            table.add_column(heading, justify="left" if place < 2 else "right")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        lines = [
            self.headings,
            tuple("---" if place < 2 else "---:" for place in range(len(self.headings))),
            *self.rows,
        ]
        return "\n".join([f"**{self.title}**", "", *(f"| {' | '.join(line)} |" for line in lines)])


def sheets(results: Results) -> list[Sheet]:
    """All that were measured, empty ones left out."""
    settings = sorted({(one.latency, one.cores) for one in results.measured})
    found = [
        _measured_sheet(results, [one for one in results.measured if (one.latency, one.cores) == setting])
        for setting in settings
    ]
    if results.killed:
        found.append(_killed_sheet(results.killed))
    if results.started:
        found.append(_started_sheet(results.started))
    return found


def _measured_sheet(results: Results, measured: list[Measurement]) -> Sheet:
    latency, cores = measured[0].latency * 1000, measured[0].cores
    title = f"Model latency {latency:g} ms, {f'{cores} core' if cores else 'all cores'}; ms per step: median (spread)"
    headings = (
        "workload",
        "side",
        "wall",
        "CPU",
        "ours/it",
        "CPU ours/it",
        "exec/s",
        "turn 20 → last",
        "fsync/step",
        "stored KB",
        "MB",
    )
    rows = []
    for one in measured:
        about = (one.workload, one.side)
        rows.append(_failed(about, one.error, len(headings)) or (*about, *_measured_cells(one, results)))
    return Sheet(title, headings, rows)


def _measured_cells(one: Measurement, results: Results) -> tuple[str, ...]:
    early = f"{median(one.early_ms):.2f} → {median(one.late_ms):.2f}" if one.early_ms else ""
    return (
        _spread(one.wall_ms),
        _number(one.cpu_ms, 2),
        _optional(results.ratio(one), 2),
        _optional(results.cpu_ratio(one), 2),
        _optional(one.executions_per_second, 1),
        early,
        _optional(one.syncs, 2),
        _optional(None if one.bytes is None else one.bytes / 1024, 0),
        _optional(one.memory_mb, 0),
    )


def _killed_sheet(killed: list[Killed]) -> Sheet:
    title = "SIGKILL in the middle: finished steps run again, and seconds to resume beyond the model's own"
    headings = "workload", "side", "run again (each kill)", "late, since start", "late, since ready"
    rows = [
        _failed((one.workload, one.side), one.error, len(headings))
        or (
            one.workload,
            one.side,
            ", ".join(map(str, one.again)),
            _spread(one.late_since_start),
            _spread(one.late_since_ready),
        )
        for one in killed
    ]
    return Sheet(title, headings, rows)


def _started_sheet(started: list[Started]) -> Sheet:
    title = "W6: seconds since the process started, and resident memory"
    headings = "workload", "side", "ready s", "first done s", "MB ready", "MB after first", "import function_app ms"
    rows = [
        _failed(("W6", one.side), one.error, len(headings))
        or (
            "W6",
            one.side,
            _spread(one.ready),
            _spread(one.first_done),
            _number(one.memory_ready_mb, 0),
            _number(one.memory_first_mb, 0),
            _spread(one.import_ms, 0),
        )
        for one in started
    ]
    return Sheet(title, headings, rows)


def _failed(about: tuple[str, str], error: str | None, width: int) -> tuple[str, ...] | None:
    """The row of one that failed: it says so where its first number would be."""
    if error is None:
        return None
    return (*about, f"FAILED: {' '.join(error.split())[:100]}", *[""] * (width - 3))


def _spread(values: Sequence[float], digits: int = 2) -> str:
    if not values:
        return ""
    shown = f"{median(values):.{digits}f}"
    return f"{shown} ({min(values):.{digits}f}-{max(values):.{digits}f})" if len(values) > 1 else shown


def _number(values: Sequence[float], digits: int) -> str:
    return f"{median(values):.{digits}f}" if values else ""


def _optional(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
