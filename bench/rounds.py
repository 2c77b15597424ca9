"""Who is measured when. Sides take turns within each round, so that a busy minute of the machine hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from bench.growth import GIVES_UP_AT, STEPS, WAITING, Line, chat_of, grow_history, grow_steps, grow_waiting
from bench.killing import Kill, Killed, kill_it
from bench.measure import Measurement, count_it, pin, time_it
from bench.ours import Ours
from bench.process import ProcessFailed
from bench.results import Results
from bench.sides import Side, WrongResult
from bench.starting import Started, import_ms, start_it
from bench.workloads import Workload

Say = Callable[[str], None]


class _Row(Protocol):
    error: str | None


R = TypeVar("R", bound=_Row)
S = TypeVar("S", bound=Side)


def take_turns(sides: Sequence[S], rows: Sequence[R], rounds: int, act: Callable[[S, R, int], None], say: Say) -> None:
    """`act` for each side in each round. One that fails says so, in its row too, and is left out from then on."""
    for number in range(rounds):
        for side, row in zip(sides, rows, strict=True):
            if row.error is not None:
                continue
            try:
                act(side, row, number)
            except (ProcessFailed, WrongResult, OSError) as error:
                row.error = f"{type(error).__name__}: {error}"
                say(f"{side.name} FAILED: {row.error}")


def measure(
    results: Results, workload: Workload, sides: Sequence[Side], latency: float, cores: int, rounds: int, say: Say
) -> None:
    pin(cores)
    rows = [
        Measurement(side.name, workload.name, latency, cores, workload.steps, workload.executions) for side in sides
    ]

    def act(side: Side, row: Measurement, number: int) -> None:
        if not row.very_long:
            time_it(side, workload, row)
        if number == 0 and latency == 0 and not row.very_long:
            count_it(side, workload, row)

    take_turns(sides, rows, rounds if latency == 0 else 1, act, say)
    results.measured += rows
    pin(0)


def kill(results: Results, what: Kill, sides: Sequence[Side], rounds: int, say: Say) -> None:
    rows = [Killed(side.name, what.name) for side in sides]
    take_turns(sides, rows, rounds, lambda side, row, _: kill_it(side, what, row), say)
    results.killed += rows


def start(results: Results, sides: Sequence[Side], rounds: int, say: Say) -> None:
    rows = [Started(side.name) for side in sides]

    def act(side: Side, row: Started, _: int) -> None:
        start_it(side, row)
        if isinstance(side, Ours):
            row.import_ms.append(import_ms())

    take_turns(sides, rows, rounds, act, say)
    results.started += rows


def grow_with_steps(results: Results, sides: Sequence[Side], quick: bool, say: Say) -> None:
    for turns in STEPS[:3] if quick else STEPS:
        able = [side for side in sides if turns <= GIVES_UP_AT.get(side.name, turns)]
        rows = [Measurement(side.name, chat_of(turns).name, 0, 0, turns, 1) for side in able]
        take_turns(able, rows, 1, lambda side, row, _: grow_steps(side, row), say)
        results.growth.steps += rows


def grow_with_history(results: Results, sides: Sequence[Side], quick: bool, say: Say) -> None:
    def act(side: Side, row: Line, _: int) -> None:
        turns = STEPS[2] if quick else GIVES_UP_AT.get(side.name, STEPS[-1])
        row.points["ms"] = grow_history(side, turns)

    rows = [Line(side.name) for side in sides]
    take_turns(sides, rows, 1, act, say)
    results.growth.history += rows


def grow_with_waiting(results: Results, sides: Sequence[Side], quick: bool, say: Say) -> None:
    ours = [side for side in sides if isinstance(side, Ours)]
    rows = [Line(side.name) for side in ours]
    counts = WAITING[:2] if quick else WAITING
    take_turns(ours, rows, 1, lambda side, row, _: grow_waiting(side, counts, row), say)
    results.growth.waiting += rows
