"""All that one run of the bench found, to and from JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.growth import Growth, Line
from bench.killing import Killed
from bench.measure import Measurement
from bench.starting import Started

OURS = "ours"


@dataclass
class Results:
    machine: dict[str, Any]
    measured: list[Measurement] = field(default_factory=list)
    killed: list[Killed] = field(default_factory=list)
    started: list[Started] = field(default_factory=list)
    growth: Growth = field(default_factory=Growth)

    @property
    def failed(self) -> bool:
        growth = self.growth
        errors = [row.error for row in (*self.measured, *growth.steps)]
        errors += [line.error for line in (*growth.history, *growth.waiting)]
        errors += [row.error for row in self.killed] + [row.error for row in self.started]
        return any(errors)

    def ratio(self, one: Measurement) -> float | None:
        """Our median wall time over this one's, for the same workload, latency and cores; below 1 we are faster."""
        return self._ratio(one, lambda it: it.wall_ms)

    def cpu_ratio(self, one: Measurement) -> float | None:
        """The same of CPU time."""
        return self._ratio(one, lambda it: it.cpu_ms)

    def _ratio(self, one: Measurement, times: Callable[[Measurement], list[float]]) -> float | None:
        ours = next((other for other in self.measured if other.side == OURS and _alike(one, other)), None)
        if one.side == OURS or ours is None or not times(ours) or not times(one) or not median(times(one)):
            return None
        return median(times(ours)) / median(times(one))

    def write(self, path: Path) -> None:
        ratios = [
            {
                "workload": one.workload,
                "latency": one.latency,
                "cores": one.cores,
                "side": one.side,
                "ours_over_it": found,
                "cpu_ours_over_it": self.cpu_ratio(one),
            }
            for one in self.measured
            if (found := self.ratio(one)) is not None
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**asdict(self), "ratios": ratios}, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        found = json.loads(path.read_text())
        growth = Growth(
            [Measurement(**one) for one in found["growth"]["steps"]],
            [Line(**one) for one in found["growth"]["history"]],
            [Line(**one) for one in found["growth"]["waiting"]],
        )
        return cls(
            found["machine"],
            [Measurement(**one) for one in found["measured"]],
            [Killed(**one) for one in found["killed"]],
            [Started(**one) for one in found["started"]],
            growth,
        )


def _alike(one: Measurement, other: Measurement) -> bool:
    return (one.workload, one.latency, one.cores) == (other.workload, other.latency, other.cores)
