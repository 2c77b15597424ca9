"""One workload on one side: times and CPU in one start, fsyncs and bytes in another: counting slows no clock."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.calls import Call, read_calls, turn_times
from bench.sides import Place, Running, Side, WrongResult
from bench.usage import cpu_seconds, memory_mb, stored_bytes, syncs_between
from bench.workloads import Workload

_PACE_LOOPS = 500_000


@dataclass
class Measurement:
    """Of one side, workload, latency and placement. Times in ms per step, one entry per repetition."""

    side: str
    workload: str
    latency: float
    cores: int
    steps: int
    executions: int
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    early_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    pace_ms: list[float] = field(default_factory=list)
    memory_mb: float | None = None
    syncs: float | None = None
    bytes: int | None = None
    error: str | None = None

    @property
    def executions_per_second(self) -> float | None:
        if not self.wall_ms:
            return None
        return self.executions / (median(self.wall_ms) / 1000 * self.steps)


def pace_ms() -> float:
    """How long a fixed loop takes just now: what a shared machine leaves of a core."""
    start = time.perf_counter()
    total = 0
    for number in range(_PACE_LOOPS):
        total += number
    return (time.perf_counter() - start) * 1000


@contextmanager
def started(side: Side, latency: float, *, trace: bool = False) -> Iterator[tuple[Running, Place]]:
    """The side on a fresh state, killed if it is still there at the end."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        place = Place(folder / "state", folder / "calls", latency, folder / "trace" if trace else None)
        place.state.mkdir()
        running = side.start(place)
        try:
            yield running, place
        finally:
            running.kill()


def time_it(side: Side, workload: Workload, repetitions: int, into: Measurement) -> None:
    """Adds repetitions of the workload, after one that warms up. Raises `WrongResult` or `ProcessFailed`."""
    with started(side, into.latency) as (running, place):
        running.prepare(workload.kind, workload.size)
        _run(running, place, workload)
        into.pace_ms.append(pace_ms())
        cpu = cpu_seconds(running.process.pid)
        for _ in range(repetitions):
            seconds, calls = _run(running, place, workload)
            into.wall_ms.append(seconds * 1000 / workload.steps)
            if workload.kind == "chat":
                early, late = turn_times(calls)
                into.early_ms.append(early)
                into.late_ms.append(late)
        used = cpu_seconds(running.process.pid) - cpu
        into.cpu_ms.append(used * 1000 / (workload.steps * repetitions))
        into.memory_mb = memory_mb(running.process.pid)


def count_it(side: Side, workload: Workload, into: Measurement) -> None:
    """The fsyncs of a step and the bytes that one run adds, beyond those of a state without any."""
    with started(side, into.latency, trace=True) as (running, place):
        running.prepare(workload.kind, workload.size)
        start = time.time()
        _run(running, place, workload)
        end = time.time()
        running.process.stop()
        assert place.trace is not None
        into.syncs = syncs_between(place.trace.read_text(), start, end) / workload.steps
        full = stored_bytes(place.state)
    with started(side, into.latency) as (running, place):
        running.prepare(workload.kind, workload.size)
        running.process.stop()
        into.bytes = full - stored_bytes(place.state)


def _run(running: Running, place: Place, workload: Workload) -> tuple[float, list[Call]]:
    """Seconds it took, and the calls made; each step's call was made exactly once, or this raises `WrongResult`."""
    before = len(read_calls(place.calls))
    start = time.perf_counter()
    running.run(workload)
    seconds = time.perf_counter() - start
    calls = read_calls(place.calls)[before:]
    if len(calls) != workload.steps or len({call.key for call in calls}) != len(calls):
        raise WrongResult(f"{len(calls)} calls were made for {workload.steps} steps")
    return seconds, calls


def pin(cores: int) -> None:
    """Keep this process, and all it starts, to the first cores of this machine; 0: all of them."""
    everywhere = range(os.cpu_count() or 1)
    os.sched_setaffinity(0, set(everywhere[: cores or None]))
