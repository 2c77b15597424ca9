"""One workload on one side: times and CPU in one start, fsyncs and bytes in another: counting slows no clock."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field, replace
from statistics import median

from bench.calls import Call, read_calls, turn_times
from bench.process import TRACER
from bench.sides import Place, Running, Side, WrongResult, fresh_place, started
from bench.usage import cpu_seconds, memory_mb, stored_bytes, syncs_between
from bench.workloads import Workload

LONG_SECONDS = 8.0
"""A run that takes longer is not done again in the same round, and needs no warming up."""
VERY_LONG_SECONDS = 30.0
"""A run that takes longer is done once in all: fsyncs are not counted, and its bytes are those of the timed run."""
MOST_REPETITIONS = 20
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
    settings: str = ""
    error: str | None = None

    @property
    def very_long(self) -> bool:
        return bool(self.wall_ms) and median(self.wall_ms) * self.steps > VERY_LONG_SECONDS * 1000

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


def time_it(side: Side, workload: Workload, into: Measurement) -> None:
    """Adds repetitions of the workload, after one that warms up. Raises `WrongResult` or `ProcessFailed`."""
    with fresh_place(into.latency, http=workload.http) as place, started(side, place) as running:
        running.prepare(workload.kind, workload.size)
        into.settings = running.settings
        into.pace_ms.append(pace_ms())
        cpu = cpu_seconds(running.process.pid)
        runs = [run(running, place, workload)]
        if runs[0][0] < LONG_SECONDS:
            cpu = cpu_seconds(running.process.pid)
            repetitions = max(1, min(MOST_REPETITIONS, int(LONG_SECONDS / 2 / runs[0][0])))
            runs = [run(running, place, workload) for _ in range(repetitions)]
        used = cpu_seconds(running.process.pid) - cpu
        into.cpu_ms.append(used * 1000 / (workload.steps * len(runs)))
        for seconds, calls in runs:
            into.wall_ms.append(seconds * 1000 / workload.steps)
            if workload.kind == "chat":
                early, late = turn_times(calls)
                into.early_ms.append(early)
                into.late_ms.append(late)
        into.memory_mb = memory_mb(running.process.pid)
        if into.very_long:
            running.process.stop()
            into.bytes = stored_bytes(place.state)


def count_it(side: Side, workload: Workload, into: Measurement) -> None:
    """The fsyncs of a step and the bytes that one run adds, beyond those of a state without any."""
    with fresh_place(into.latency, http=workload.http) as place, started(side, place) as running:
        running.prepare(workload.kind, workload.size)
        running.process.stop()
        empty = stored_bytes(place.state)
    with fresh_place(into.latency, http=workload.http) as place:
        log = place.calls.with_name("trace") if shutil.which(TRACER) else None
        with started(side, replace(place, trace=log)) as running:
            running.prepare(workload.kind, workload.size)
            start = time.time()
            run(running, place, workload)
            end = time.time()
            running.process.stop()
            if log is not None:
                into.syncs = syncs_between(log.read_text(), start, end) / workload.steps
            into.bytes = stored_bytes(place.state) - empty


def run(running: Running, place: Place, workload: Workload) -> tuple[float, list[Call]]:
    """Seconds it took, and the calls made; each step's call was made exactly once, or this raises `WrongResult`."""
    before = len(read_calls(place.calls))
    start = time.perf_counter()
    running.run(workload)
    seconds = time.perf_counter() - start
    calls = read_calls(place.calls)[before:]
    if len(calls) != workload.steps or len({call.key for call in calls}) != len(calls):
        raise WrongResult(
            f"{len(calls)} calls, {len({call.key for call in calls})} different, for {workload.steps} steps"
        )
    return seconds, calls


def pin(cores: int) -> None:
    """Keep this process, and all it starts, to the first cores of this machine; 0: all of them."""
    everywhere = range(os.cpu_count() or 1)
    os.sched_setaffinity(0, set(everywhere[: cores or None]))
