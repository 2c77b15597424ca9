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
"""W7: the answers have been there so long when the process is killed."""
_TIMEOUT = 60.0


@dataclass(frozen=True)
class Kill:
    """Killed when `finished` calls have ended; `serial` steps then remain, one after another.

    `at_once`: as the next call begins; else when the others, begun as well, have been waiting for a while.
    """

    name: str
    workload: Workload
    finished: int
    serial: int
    at_once: bool


W5 = Kill("W5", Workload("W5", "chain", 10), finished=5, serial=5, at_once=True)
W7 = Kill("W7", Workload("W7", "fan_out", 10), finished=5, serial=1, at_once=False)
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
        with started(side, replace(place, quick=kill.finished, dies=kill.at_once)) as running:
            running.prepare(kill.workload.kind, kill.workload.size)
            id = running.begin(kill.workload)
            if kill.at_once:
                running.process.wait()
            else:
                _wait_for(kill.finished, place.calls)
                time.sleep(SETTLE_SECONDS)
                running.process.kill()
            before = len(read_calls(place.calls))
        with started(side, place) as running:
            running.finish(kill.workload, id)
            _note(running, kill, read_calls(place.calls), before, into)


def _wait_for(finished: int, log: Path) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while sum(call.end is not None for call in read_calls(log)) < finished:
        if time.monotonic() > deadline:
            raise WrongResult(f"no {finished} calls ended in {_TIMEOUT:g} s")
        time.sleep(0.001)


def _note(running: Running, kill: Kill, calls: list[Call], before: int, into: Killed) -> None:
    ends = {call.key: call.end for call in calls if call.end is not None}
    if len(ends) != kill.workload.steps:
        raise WrongResult(f"{len(ends)} of {kill.workload.steps} steps were run")
    late = max(ends.values()) - running.process.started - kill.serial * LATENCY
    into.again.append(len(run_again(calls[:before], calls[before:])))
    into.late_since_start.append(late)
    into.late_since_ready.append(late - running.ready_seconds)
