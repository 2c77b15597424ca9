"""Measurements as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from statistics import median
from typing import Any

from rich.table import Table

from bench.measure import Measurement

OURS = "ours"


def table(measured: list[Measurement]) -> Table:
    """One row per measurement; `ratio` is ours divided by it, in the same run: below 1 we are faster."""
    shown = Table(title="Medians (spread); times in ms per step")
    for heading in ("workload", "L ms", "cores", "side"):
        shown.add_column(heading)
    for heading in ("wall", "CPU", "ours/it", "exec/s", "turn 20 → last", "fsync/step", "stored KB", "RSS MB"):
        shown.add_column(heading, justify="right")
    for one in measured:
        about = (one.workload, f"{one.latency * 1000:g}", str(one.cores or "all"), one.side)
        if one.error is not None:
            shown.add_row(*about, f"[red]FAILED: {one.error.splitlines()[0][:60]}[/red]")
            continue
        shown.add_row(*about, *_cells(one, ratio(one, measured)), end_section=False)
    return shown


def _cells(one: Measurement, ratio: float | None) -> tuple[str, ...]:
    rate = one.executions_per_second
    return (
        f"{median(one.wall_ms):.2f} ({min(one.wall_ms):.2f}-{max(one.wall_ms):.2f})",
        f"{median(one.cpu_ms):.2f}",
        _number(ratio),
        _number(rate, 1),
        f"{median(one.early_ms):.2f} → {median(one.late_ms):.2f}" if one.early_ms else "",
        _number(one.syncs),
        _number(None if one.bytes is None else one.bytes / 1024, 0),
        _number(one.memory_mb, 0),
    )


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def ratio(one: Measurement, measured: list[Measurement]) -> float | None:
    """Our median wall time over this one's, for the same workload, latency and cores."""
    same = [
        other
        for other in measured
        if other.side == OURS and (other.workload, other.latency, other.cores) == (one.workload, one.latency, one.cores)
    ]
    if one.side == OURS or not same or not same[0].wall_ms or not one.wall_ms:
        return None
    return median(same[0].wall_ms) / median(one.wall_ms)


def as_json(measured: list[Measurement]) -> list[dict[str, Any]]:
    return [{**asdict(one), "ours_over_it": ratio(one, measured)} for one in measured]
