"""What the bench asks of a side, ours or a peer's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.process import Process
from bench.workloads import Kind, Workload


class WrongResult(Exception):
    """A side said or did something else than the workload asks; its time would mean nothing."""


@dataclass(frozen=True)
class Place:
    """Where one start of a side works. `calls` is the stub's log; `trace` is for its fsyncs, or None.

    `quick`: the model answers so many calls and no more; None: all.
    """

    state: Path
    calls: Path
    latency: float = 0.0
    trace: Path | None = None
    quick: int | None = None

    def environment(self) -> dict[str, str]:
        return {
            "BENCH_LATENCY": str(self.latency),
            "BENCH_CALLS": str(self.calls),
            "BENCH_QUICK": str(self.quick or ""),
        }


class Running(Protocol):
    """A started side."""

    process: Process
    ready_seconds: float
    settings: str
    """What it does about durability, as found out and not as believed."""

    def prepare(self, kind: Kind, size: int) -> None:
        """What its user would have done before: define the workflow."""

    def run(self, workload: Workload) -> None:
        """Start all its executions and return when the last has ended well. Raises `WrongResult`."""

    def begin(self, workload: Workload) -> str:
        """Start its one execution and return its id, at once."""

    def finish(self, workload: Workload, id: str) -> None:
        """Return when this execution, begun before a restart, has ended well. Raises `WrongResult`."""

    def kill(self) -> None:
        """End its process at once (SIGKILL) if it still runs; nothing can be asked of it afterwards."""


class Side(Protocol):
    @property
    def name(self) -> str: ...

    def start(self, place: Place) -> Running:
        """Returns once it takes work. Raises `ProcessFailed`."""


@contextmanager
def fresh_place(latency: float = 0.0) -> Iterator[Place]:
    """An empty state, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "state").mkdir()
        yield Place(folder / "state", folder / "calls", latency)


@contextmanager
def started(side: Side, place: Place) -> Iterator[Running]:
    """The side at work there, killed if it still is at the end. Raises `ProcessFailed`."""
    running = side.start(place)
    try:
        yield running
    finally:
        running.kill()
