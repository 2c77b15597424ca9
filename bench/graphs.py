"""`python -m bench.graphs`: how long random graphs of agents take, beside the least they could, and beside waves.

Each graph has 50 steps, each of which needs up to three of those before it; the model takes a time of its own for each,
drawn from a lognormal distribution. No schedule can be quicker than the longest chain of needs: that is the bound. A
wave barrier, as frameworks have that run a graph in supersteps, begins a step when all of the wave before have ended.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from bench import machine
from bench.ours import Ours, OursRunning
from bench.process import ROOT
from bench.report import Sheet
from bench.sides import Place, fresh_place
from bench.workloads import PARTICIPANTS

STEPS, MOST_NEEDS, REACH = 50, 3, 12
SIGMA = 0.7
RESULTS = ROOT / ".local" / "bench" / "graphs.json"
AT_ONCE = {"MODEL_CONCURRENCY": "50"}


@dataclass(frozen=True)
class Graph:
    """`needs[n]` are the steps, all before n, that step n needs; `seconds[n]` is what its model call takes."""

    needs: list[list[int]]
    seconds: list[float]

    @staticmethod
    def drawn(seed: int, typical: float) -> Graph:
        """`typical`: the median of the calls, in seconds."""
        chance = random.Random(seed)
        needs = []
        for step in range(STEPS):
            near = range(max(0, step - REACH), step)
            needs.append(sorted(chance.sample(near, min(len(near), chance.randint(0, MOST_NEEDS)))))
        return Graph(needs, [round(typical * chance.lognormvariate(0, SIGMA), 3) for _ in range(STEPS)])

    def bound(self) -> float:
        """The longest chain of needs: when each step begins the moment what it needs has ended."""
        ends: list[float] = []
        for needs, seconds in zip(self.needs, self.seconds, strict=True):
            ends.append(max((ends[need] for need in needs), default=0.0) + seconds)
        return max(ends)

    def waves(self) -> float:
        """The same with a barrier after each wave of steps whose needs lie in the waves before."""
        levels: list[int] = []
        for needs in self.needs:
            levels.append(max((levels[need] + 1 for need in needs), default=0))
        slowest = [max(s for s, at in zip(self.seconds, levels, strict=True) if at == level) for level in set(levels)]
        return sum(slowest)

    def workflow(self, name: str) -> dict[str, Any]:
        steps = [
            {
                "id": f"s{number}",
                "agent": f"agent-{number % PARTICIPANTS}",
                "needs": [f"s{need}" for need in needs],
                "input": f"Take {seconds:.3f} s. " + " ".join(f"${{steps.s{need}.output}}" for need in needs),
            }
            for number, (needs, seconds) in enumerate(zip(self.needs, self.seconds, strict=True))
        ]
        return {"name": name, "steps": steps, "output": "done"}


@dataclass(frozen=True)
class Measured:
    """Seconds."""

    seed: int
    took: float
    bound: float
    waves: float


def measured(seeds: range, typical: float) -> list[Measured]:
    """Each graph once, after one that warms up."""
    found = []
    with fresh_place() as place, _ours(replace(place, more=AT_ONCE)) as running:
        for seed in [seeds[0], *seeds]:
            graph = Graph.drawn(seed, typical)
            begun = time.perf_counter()
            running.execute(graph.workflow(f"graph-{seed}"), STEPS)
            found.append(Measured(seed, time.perf_counter() - begun, graph.bound(), graph.waves()))
    return found[1:]


@contextmanager
def _ours(place: Place) -> Iterator[OursRunning]:
    running = Ours().start(place)
    try:
        yield running
    finally:
        running.kill()


def sheet(found: list[Measured]) -> Sheet:
    def row(name: str, took: float, bound: float, waves: float) -> tuple[str, ...]:
        return name, f"{took:.2f}", f"{bound:.2f}", f"{took / bound:.3f}", f"{waves / bound:.2f}"

    rows = [row(f"graph {one.seed}", one.took, one.bound, one.waves) for one in found]
    over, barrier = median(one.took / one.bound for one in found), median(one.waves / one.bound for one in found)
    rows.append(("median", "", "", f"{over:.3f}", f"{barrier:.2f}"))
    title = f"Random graphs of {STEPS} agents, lognormal latencies (sigma {SIGMA}); seconds"
    return Sheet(title, ("graph", "took", "bound", "took/bound", "waves/bound"), rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="How close to the start-when-ready bound random graphs come.")
    parser.add_argument("--graphs", type=int, default=10)
    parser.add_argument("--typical", type=float, default=1.0, help="median seconds of a model call")
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    found = measured(range(options.graphs), options.typical)
    table = sheet(found)
    Console().print(table.rich())
    print(table.markdown())
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(
        json.dumps({"machine": machine.facts(), "graphs": [asdict(one) for one in found]}, indent=1)
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
