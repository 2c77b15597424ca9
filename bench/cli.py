"""`python -m bench`: measure, print tables, write JSON, and with `--docs` put them into docs/performance.md."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from time import monotonic

from rich.console import Console

from bench import machine, rounds
from bench.docs import write_docs
from bench.killing import KILLS
from bench.ours import Ours
from bench.peer import PEERS
from bench.process import ROOT, TRACER
from bench.report import sheets
from bench.results import Results
from bench.sides import Side
from bench.workloads import ALL

QUIET_LOAD = 1.0
LATENCIES, QUICK = (0.0, 0.05), (0.0,)
MOST_QUICK_STEPS = 100
PIPED_WIDTH = 160
RESULTS = ROOT / ".local" / "bench" / "results.json"
SIDES: tuple[Side, ...] = (Ours(), *PEERS)
CORES = {"one": (1,), "two": (0,), "both": (0, 1)}
"""How many to keep to; 0: all there are."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # As Ctrl-C does: up through the contexts, which end the processes they started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    if options.show:
        results = Results.read(options.json)
    else:
        load = os.getloadavg()[0]
        if load > QUIET_LOAD:
            console.print(
                f"[yellow]The machine is busy (load {load:.1f}): trust ratios and CPU, not wall times.[/yellow]"
            )
        if shutil.which(TRACER) is None:
            console.print(f"[yellow]{TRACER} is not installed: fsyncs are not counted.[/yellow]")
        results = _measure(console, options)
    for sheet in sheets(results):
        console.print(sheet.rich())
    if options.docs:
        write_docs(results)
    return int(results.failed)


def _measure(console: Console, options: argparse.Namespace) -> Results:
    """Written after each part, so that a run that is broken off has not been in vain."""
    sides = [side for side in SIDES if side.name.startswith(tuple(options.side.split(",")))]
    turns = options.repeat or (1 if options.quick else 3)
    results = Results(machine.facts())

    def say(text: str) -> None:
        console.print(text, style="red", markup=False)

    for what, act in _parts(results, sides, turns, options, say):
        began = monotonic()
        act()
        console.print(f"measured: {what} ({monotonic() - began:.0f} s)", style="dim")
        results.write(options.json)
    return results


def _parts(
    results: Results, sides: list[Side], turns: int, options: argparse.Namespace, say: rounds.Say
) -> Iterator[tuple[str, Callable[[], None]]]:
    """What to measure, each with its name."""
    names = set(filter(None, options.only.split(",")))
    for cores, latency, workload in product(CORES[options.placement], QUICK if options.quick else LATENCIES, ALL):
        if _wanted(workload.name, names) and not (options.quick and workload.size > MOST_QUICK_STEPS):
            about = f"{workload.name}, {latency * 1000:g} ms, {cores or 'all'} cores"
            yield about, partial(rounds.measure, results, workload, sides, latency, cores, turns, say)
    for kill in KILLS:
        if _wanted(kill.name, names):
            yield kill.name, partial(rounds.kill, results, kill, sides, turns, say)
    if _wanted("W6", names):
        yield "W6", partial(rounds.start, results, sides, turns, say)
    if _wanted("growth", names):
        for grow in (rounds.grow_with_steps, rounds.grow_with_history, rounds.grow_with_waiting):
            yield grow.__name__, partial(grow, results, sides, options.quick, say)


def _wanted(name: str, names: set[str]) -> bool:
    return not names or bool({name, name.partition("-")[0]} & names)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, no model latency, small sizes")
    parser.add_argument("--only", default="", help="such as W1,W3-400,growth (default: all)")
    names = ",".join(side.name for side in SIDES)
    parser.add_argument("--side", default="", help=f"beginnings of {names} (default: all)")
    parser.add_argument("--repeat", type=int, default=0, help="rounds (default: 3; 1 with --quick)")
    parser.add_argument("--placement", choices=tuple(CORES), default="two", help="cores to use (default: two)")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the numbers go")
    parser.add_argument("--docs", action="store_true", help="put tables and plots into docs/performance.md")
    parser.add_argument("--show", action="store_true", help="measure nothing: show what is in the JSON file")
    return parser
