"""What the bench asks of a side, ours or a peer's."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from bench.process import Process
from bench.workloads import Kind, Workload


class WrongResult(Exception):
    """A side said or did something else than the workload asks; its time would mean nothing."""


@dataclass(frozen=True)
class Place:
    """Where one start of a side works. `calls` is the stub's log; `trace` is for its fsyncs, or None.

    `quick`: the model answers so many calls and no more; None: all. `dies`: the next one kills the process.
    """

    state: Path
    calls: Path
    latency: float = 0.0
    trace: Path | None = None
    quick: int | None = None
    dies: bool = False
    more: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of this start alone."""
    endpoint: str = ""
    """Of a model served over HTTP; empty: the stub answers within the process."""

    def environment(self) -> dict[str, str]:
        return {
            "BENCH_LATENCY": str(self.latency),
            "BENCH_CALLS": str(self.calls),
            "BENCH_QUICK": str(self.quick or ""),
            "BENCH_DIES": "1" if self.dies else "",
            "BENCH_ENDPOINT": self.endpoint,
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
def fresh_place(latency: float = 0.0, *, http: bool = False) -> Iterator[Place]:
    """An empty state, gone afterwards; `http`: with a model served for as long."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "state").mkdir()
        place = Place(folder / "state", folder / "calls", latency)
        with served_model(place) if http else nullcontext(place) as ready:
            yield ready


@contextmanager
def served_model(place: Place) -> Iterator[Place]:
    """The place with the endpoint of a stub that lives as long as the context. Raises `ProcessFailed`."""
    process = Process([sys.executable, "-m", "bench.http_stub"], place.environment(), place.calls.parent)
    try:
        yield replace(place, endpoint=process.line("stub ready: "))
    finally:
        process.kill()


@contextmanager
def started(side: Side, place: Place) -> Iterator[Running]:
    """The side at work there, killed if it still is at the end. Raises `ProcessFailed`."""
    running = side.start(place)
    try:
        yield running
    finally:
        running.kill()
