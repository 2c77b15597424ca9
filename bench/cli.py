"""`python -m bench`: measure, print a table, write JSON and the plots of docs/performance.md."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench import machine
from bench.measure import Measurement, count_it, pin, time_it
from bench.ours import Ours
from bench.peer import PEERS
from bench.process import ROOT, ProcessFailed
from bench.report import as_json, table
from bench.sides import Side, WrongResult
from bench.workloads import ALL, Workload

QUIET_LOAD = 1.0
PIPED_WIDTH = 150
RESULTS = ROOT / ".local" / "bench" / "results.json"
SIDES: tuple[Side, ...] = (Ours(), *PEERS)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    load = os.getloadavg()[0]
    if load > QUIET_LOAD:
        console.print(
            f"[yellow]The machine is busy (load {load:.1f}): compare ratios and CPU, not wall times.[/yellow]"
        )
    sides = [side for side in SIDES if not options.side or side.name.startswith(tuple(options.side.split(",")))]
    workloads = [
        work
        for work in ALL
        if not options.only
        or work.name.split("-")[0] in options.only.split(",")
        or work.name in options.only.split(",")
    ]
    if options.quick:
        workloads = [work for work in workloads if work.steps <= 100 or work.name == "W4"]
    facts = machine.facts()
    measured: list[Measurement] = []
    for cores in {"one": (1,), "two": (0,), "both": (0, 1)}[options.placement]:
        pin(cores)
        for latency in (0.0,) if options.quick else (0.0, 0.05):
            for workload in workloads:
                measured += _measure(console, workload, sides, latency, cores, options)
    console.print(table(measured))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"machine": facts, "measured": as_json(measured)}, indent=1))
    return int(any(one.error for one in measured))


def _measure(
    console: Console, workload: Workload, sides: list[Side], latency: float, cores: int, options: argparse.Namespace
) -> list[Measurement]:
    """Sides take turns, so that a busy minute of the machine hits all of them alike."""
    found = [
        Measurement(side.name, workload.name, latency, cores, workload.steps, workload.executions) for side in sides
    ]
    repetitions = max(1, min(10, 300 // workload.steps))
    for turn in range(options.repeat or (1 if options.quick else 3)):
        for side, into in zip(sides, found, strict=True):
            if into.error is not None:
                continue
            try:
                time_it(side, workload, repetitions, into)
                if turn == 0 and latency == 0:
                    count_it(side, workload, into)
            except (ProcessFailed, WrongResult, OSError) as error:
                into.error = f"{type(error).__name__}: {error}"
                console.print(f"[red]{side.name} {workload.name}: {into.error}[/red]")
    console.print(table(found))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, no latency, small sizes")
    parser.add_argument("--only", default="", help="workloads, such as W1,W3-400")
    parser.add_argument("--side", default="", help=f"any of {','.join(side.name for side in SIDES)}")
    parser.add_argument("--repeat", type=int, default=0, help="rounds (default: 3; 1 with --quick)")
    parser.add_argument("--placement", choices=("one", "two", "both"), default="two", help="cores to use")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the numbers go")
    return parser
