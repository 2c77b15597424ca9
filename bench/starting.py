"""W6: from nothing to the first execution done, and the memory it takes."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field

from bench.measure import run
from bench.process import ROOT, ProcessFailed
from bench.sides import Side, fresh_place, started
from bench.usage import memory_mb
from bench.workloads import Workload

FIRST = Workload("W6", "chain", 1)


@dataclass
class Started:
    """Of one side. Seconds since its process was started; the definitions were there before."""

    side: str
    ready: list[float] = field(default_factory=list)
    first_done: list[float] = field(default_factory=list)
    memory_ready_mb: list[float] = field(default_factory=list)
    memory_first_mb: list[float] = field(default_factory=list)
    import_ms: list[float] = field(default_factory=list)
    """Of `function_app`; ours alone."""
    error: str | None = None


def start_it(side: Side, into: Started) -> None:
    """One start. Raises `WrongResult` or `ProcessFailed`."""
    with fresh_place() as place:
        with started(side, place) as running:
            running.prepare(FIRST.kind, FIRST.size)
            running.process.stop()
        with started(side, place) as running:
            into.ready.append(running.ready_seconds)
            into.memory_ready_mb.append(memory_mb(running.process.pid))
            run(running, place, FIRST)
            into.first_done.append(time.time() - running.process.started)
            into.memory_first_mb.append(memory_mb(running.process.pid))


def import_ms() -> float:
    """Time that `import function_app` takes in a new process. Raises `ProcessFailed`."""
    code = "import time; start = time.perf_counter(); import function_app; print(time.perf_counter() - start)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProcessFailed(f"import function_app failed\n{done.stderr[-2000:]}")
    return float(done.stdout.split()[-1]) * 1000
