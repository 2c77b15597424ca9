"""How cost grows: with the steps of an execution, with its history, and with the executions that wait beside it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from statistics import median

from bench.calls import gaps_ms
from bench.measure import Measurement, count_it, run, time_it
from bench.ours import Ours
from bench.sides import Side, fresh_place, started
from bench.usage import cpu_seconds, memory_mb
from bench.workloads import CHAIN, Workload

STEPS = (10, 30, 100, 300, 1_000)
WAITING = (10, 100, 1_000, 10_000)
BIN = 50
"""Turns whose median makes one point of the history's line."""
GIVES_UP_AT = {"agent-framework": 100}
"""Most turns a side is asked for: its time grows with the square, and more would take hours."""


@dataclass
class Line:
    """Points (x, y) of one side, by what is measured."""

    side: str
    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    error: str | None = None


@dataclass
class Growth:
    steps: list[Measurement] = field(default_factory=list)
    history: list[Line] = field(default_factory=list)
    """`ms` against the turn."""
    waiting: list[Line] = field(default_factory=list)
    """`wall ms`, `CPU ms` and `MB` against the executions that wait."""


def chat_of(turns: int) -> Workload:
    return Workload(f"chat-{turns}", "chat", turns)


def grow_steps(side: Side, into: Measurement) -> None:
    """Time and bytes of a step in a chat of so many turns. Raises `WrongResult` or `ProcessFailed`."""
    time_it(side, chat_of(into.steps), into)
    if not into.very_long:
        count_it(side, chat_of(into.steps), into)


def grow_history(side: Side, turns: int) -> list[tuple[float, float]]:
    """(turn, ms from turn to turn around it) within one chat."""
    workload = chat_of(turns)
    with fresh_place() as place, started(side, place) as running:
        running.prepare(workload.kind, workload.size)
        _, calls = run(running, place, workload)
    gaps = gaps_ms(calls)
    return [(first + BIN / 2, median(gaps[first : first + BIN])) for first in range(0, len(gaps) - BIN // 2, BIN)]


def grow_waiting(side: Ours, counts: tuple[int, ...], into: Line) -> None:
    """Time and CPU of a step, and memory, while so many executions wait for a timer. Raises `WrongResult`."""
    with fresh_place() as place, contextlib.ExitStack() as stack:
        running = side.start(place)
        stack.callback(running.kill)
        running.prepare(CHAIN.kind, CHAIN.size)
        running.prepare_parking()
        parked = 0
        for count in counts:
            running.park(count - parked)
            parked = count
            run(running, place, CHAIN)
            cpu = cpu_seconds(running.process.pid)
            times = [run(running, place, CHAIN)[0] * 1000 / CHAIN.steps for _ in range(7)]
            used = (cpu_seconds(running.process.pid) - cpu) * 1000 / (CHAIN.steps * len(times))
            found = {"wall ms": median(times), "CPU ms": used, "MB": memory_mb(running.process.pid)}
            for name, value in found.items():
                into.points.setdefault(name, []).append((count, value))
