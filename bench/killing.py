"""W5 and W7: SIGKILL in the middle, a new process on the same state, and what it does again before it is done."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.calls import Call, read_calls, run_again
from bench.sides import Running, Side, WrongResult, fresh_place, started
from bench.workloads import Workload

LATENCY = 0.1
SETTLE_SECONDS = 0.25
"""W7: the five answers have been there so long when the process is killed. W5 is killed at once."""
_TIMEOUT = 60.0


@dataclass(frozen=True)
class Kill:
    """Killed when `finished` calls have ended and one more has begun; `serial` steps then remain one after another."""

    name: str
    workload: Workload
    finished: int
    serial: int
    quick: int | None = None
    settle: float = 0.0


W5 = Kill("W5", Workload("W5", "chain", 10), finished=5, serial=5)
W7 = Kill("W7", Workload("W7", "fan_out", 10), finished=5, serial=1, quick=5, settle=SETTLE_SECONDS)
KILLS = (W5, W7)


@dataclass
class Killed:
    """Of one side. Seconds beyond the model's own: from the new process's start, and from when it was ready."""

    side: str
    workload: str
    again: list[int] = field(default_factory=list)
    late_since_start: list[float] = field(default_factory=list)
    late_since_ready: list[float] = field(default_factory=list)
    error: str | None = None


def kill_it(side: Side, kill: Kill, into: Killed) -> None:
    """One kill and one resume. Raises `WrongResult` or `ProcessFailed`."""
    with fresh_place(LATENCY) as place:
        with started(side, replace(place, quick=kill.quick)) as running:
            running.prepare(kill.workload.kind, kill.workload.size)
            id = running.begin(kill.workload)
            _wait_for(kill, place.calls)
            time.sleep(kill.settle)
            killed = time.time()
            running.process.kill()
        with started(side, place) as running:
            running.finish(kill.workload, id)
            _note(running, kill, read_calls(place.calls), killed, into)


def _wait_for(kill: Kill, log: Path) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        calls = read_calls(log)
        if sum(call.end is not None for call in calls) >= kill.finished and len(calls) > kill.finished:
            return
        time.sleep(0.001)
    raise WrongResult(f"no {kill.finished} calls ended in {_TIMEOUT:g} s")


def _note(running: Running, kill: Kill, calls: list[Call], killed: float, into: Killed) -> None:
    if len({call.key for call in calls if call.end is not None}) != kill.workload.steps:
        raise WrongResult("not every step was run")
    ends = [call.end for call in calls if call.end is not None]
    late = max(ends) - running.process.started - kill.serial * LATENCY
    into.again.append(len(run_again(calls, killed)))
    into.late_since_start.append(late)
    into.late_since_ready.append(late - running.ready_seconds)
