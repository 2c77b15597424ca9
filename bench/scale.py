"""`python -m bench.scale`: what so many executions an hour ask of each service, which limit is hit first, what to turn.

Arithmetic on what `bench.cost` has counted, and a simulation of the queues in between: executions come at random, each
call is dispatched, written, answered after a random time and written, by servers as quick as the published limits.
Computes anew, writes JSON, prints the tables; `--docs` puts them into docs/scale.md as well, `--show` only shows.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import quantiles
from typing import Any

import simpy
from rich.console import Console

from bench.cost import CALLS_AT_ONCE, MODEL_SECONDS, dollars_of, read
from bench.counted import FIVE, Used
from bench.docs import inserted
from bench.listprices import LIMITS
from bench.process import ROOT
from bench.report import Sheet

MEASURED = ROOT / "bench" / "measured" / "scale.json"
PAGE = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- scale: written by `python -m bench.scale --docs` -->", "<!-- /scale -->"
RATES = (10, 1_000, 100_000)
"""Executions an hour."""
WATCHED = 0.1
"""Assumed: so many executions have one watcher."""
SIMULATED, WARM_SECONDS = 1_000, 200.0
"""Executions that come while it is watched, after so many seconds."""
HEADROOM = 1.5
"""So much more than the mean is provisioned in Cosmos DB."""
PARTITION_GB = 20
SEED = 7


@dataclass(frozen=True)
class Backend:
    """`actions`: most that it dispatches in a second."""

    name: str
    actions: float
    turn: str


_UNITS = int(LIMITS["dts.units"].value)
BACKENDS = (
    Backend("Scheduler, Consumption", LIMITS["dts.consumption"].value, "move to Dedicated"),
    Backend("Scheduler, Dedicated", LIMITS["dts.unit"].value * _UNITS, "a second scheduler and task hub, by tenant"),
    # Every activity goes through one work-item queue, and its message is put, got and deleted.
    Backend("Azure Storage", LIMITS["storage.queue"].value / 3, "move to Durable Task Scheduler"),
)


@dataclass(frozen=True)
class Load:
    """What a rate asks for, each as a share of the limit that is published for it. Above 1 it does not go."""

    workflow: str
    rate: int
    backend: str
    actions: float
    units: int
    ru: float
    tenant_ru: float
    watched_a_day: float
    tokens_a_minute: float
    instances: int
    records_days: float
    first: str
    share: float
    turn: str
    then: str
    then_share: float
    dollars_an_hour: float


@dataclass(frozen=True)
class Waited:
    """From the simulation: seconds that executions waited beside their model, median and 95th of a hundred.

    `kept_up`: how many ended for each that came.
    """

    workflow: str
    rate: int
    backend: str
    median: float
    p95: float
    kept_up: float


def load_of(used: Used, rate: int, backend: Backend) -> Load:
    second = rate / 3600
    is_storage = backend.name == "Azure Storage"
    actions = second * (used.activities if is_storage else used.actions)
    ru, tenant_ru = second * used.total_ru, second * used.ru_by_partition["executions"]
    in_flight = second * used.model_calls * MODEL_SECONDS
    instances = max(1, ceil(in_flight / CALLS_AT_ONCE))
    messages = rate * 24 * WATCHED * used.messages
    records = rate * used.record_bytes / 1e9
    days = PARTITION_GB / records / 24
    shares = {
        f"{backend.name}: dispatch": (actions / backend.actions, backend.turn),
        "Cosmos DB serverless: RU/s of the container": (
            ru / LIMITS["cosmos.serverless"].value, f"autoscale, {ceil(ru * HEADROOM / 1000) * 1000:,} RU/s"
        ),
        "Cosmos DB: RU/s of one tenant's records": (tenant_ru / LIMITS["cosmos.logical"].value, "several tenants"),
        "Functions: cores of the region": (instances / LIMITS["flex.cores"].value, "MODEL_CONCURRENCY, or the quota"),
    }  # fmt: skip
    first, then = sorted(shares, key=lambda name: -shares[name][0])[:2]
    dollars = dollars_of(used)
    paid = sum(value for name, value in dollars.items() if name != "watcher") + WATCHED * dollars["watcher"]
    units = max(1, ceil(actions / LIMITS["dts.unit"].value)) if backend is BACKENDS[1] else 0
    return Load(
        used.workflow, rate, backend.name, round(actions, 2), units, round(ru, 1), round(tenant_ru, 1),
        round(messages), round(rate / 60 * (used.tokens_in + used.tokens_out)), instances, round(days, 1),
        first, round(shares[first][0], 4), shares[first][1], then, round(shares[then][0], 4), round(rate * paid, 4),
    )  # fmt: skip


def simulated(used: Used, rate: int, backend: Backend) -> Waited:
    """Executions of `model_calls` calls one after the other, each with its part of the actions and the RU."""
    world = _World(used, rate, backend)
    world.environment.run(until=WARM_SECONDS + SIMULATED * 3600 / rate)
    cuts = quantiles(world.waits, n=20)
    kept_up = world.ended / world.came
    return Waited(used.workflow, rate, backend.name, round(cuts[9], 2), round(cuts[18], 2), round(kept_up, 3))


class _World:
    def __init__(self, used: Used, rate: int, backend: Backend) -> None:
        self.environment = simpy.Environment()
        self.waits: list[float] = []
        self.came = self.ended = 0
        self._used = used
        self._chance = random.Random(f"{SEED} {used.workflow} {rate} {backend.name}")
        is_storage = backend.name == "Azure Storage"
        actions = used.activities if is_storage else used.actions
        self._dispatch = simpy.Resource(self.environment)
        self._dispatch_seconds = actions / used.model_calls / backend.actions
        self._container = simpy.Resource(self.environment)
        provisioned = max(1_000.0, rate / 3600 * used.total_ru * HEADROOM)
        self._container_seconds = used.total_ru / used.model_calls / 2 / provisioned
        places = int(LIMITS["flex.cores"].value) * CALLS_AT_ONCE
        self._models = simpy.Resource(self.environment, capacity=places)
        self.environment.process(self._arrivals(rate / 3600))

    def _arrivals(self, second: float) -> Generator[Any, Any, None]:
        while True:
            yield self.environment.timeout(self._chance.expovariate(second))
            self.environment.process(self._execution())

    def _execution(self) -> Generator[Any, Any, None]:
        self.came += self.environment.now >= WARM_SECONDS
        began, thought = self.environment.now, 0.0
        for _ in range(self._used.model_calls):
            yield from self._served(self._dispatch, self._dispatch_seconds)
            yield from self._served(self._container, self._container_seconds)
            with self._models.request() as place:
                yield place
                seconds = self._chance.expovariate(1 / MODEL_SECONDS)
                thought += seconds
                yield self.environment.timeout(seconds)
            yield from self._served(self._container, self._container_seconds)
        if self.environment.now >= WARM_SECONDS:
            self.ended += 1
            self.waits.append(self.environment.now - began - thought)

    def _served(self, server: simpy.Resource, seconds: float) -> Generator[Any, Any, None]:
        with server.request() as turn:
            yield turn
            yield self.environment.timeout(seconds)


def loads(used: Sequence[Used]) -> list[Load]:
    return [load_of(one, rate, backend) for one in used for rate in RATES for backend in BACKENDS]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--show", action="store_true", help="compute nothing")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/scale.md")
    options = parser.parse_args(arguments)
    if not options.show:
        used = demos()
        waits = [simulated(one, rate, backend) for one in used for rate in RATES for backend in BACKENDS]
        found = {"loads": [asdict(one) for one in loads(used)], "waits": [asdict(one) for one in waits]}
        MEASURED.write_text(json.dumps(found, indent=1) + "\n")
    console = Console(width=200)
    for sheet in sheets():
        console.print(sheet.rich())
    if options.docs:
        PAGE.write_text(inserted(PAGE.read_text("utf-8"), text_of(), BEGIN, END), "utf-8")
    return 0


def demos() -> list[Used]:
    return [one for one in read() if one.workflow != FIVE]


def text_of() -> str:
    return "\n\n".join(sheet.markdown() for sheet in sheets())


def sheets() -> list[Sheet]:
    found = json.loads(MEASURED.read_text("utf-8"))
    computed = [Load(**one) for one in found["loads"]]
    return [_needs(computed), _firsts(computed), _waits([Waited(**one) for one in found["waits"]]), _limits()]


def _needs(computed: Sequence[Load]) -> Sheet:
    headings = ("workflow", "an hour", "actions/s", "units", "RU/s", "of records", "SignalR messages a day",
                "tokens a minute", "instances", "days to 20 GB", "$ an hour")  # fmt: skip
    rows = [
        (
            one.workflow, f"{one.rate:,}", f"{one.actions:g}", str(one.units), f"{one.ru:,.0f}",
            f"{one.tenant_ru:,.0f}", f"{one.watched_a_day:,.0f}", f"{one.tokens_a_minute:,.0f}", str(one.instances),
            f"{one.records_days:,.0f}", f"{one.dollars_an_hour:,.2f}",
        )
        for one in computed
        if one.backend == BACKENDS[1].name
    ]  # fmt: skip
    return Sheet("What is asked for, on Durable Task Scheduler, Dedicated", headings, rows)


def _firsts(computed: Sequence[Load]) -> Sheet:
    rows = [
        (
            one.workflow,
            f"{one.rate:,}",
            one.backend,
            f"{one.actions:g}",
            one.first,
            f"{one.share:.1%}",
            one.turn,
            f"{one.then}, {one.then_share:.1%}",
        )
        for one in computed
    ]
    headings = (
        "workflow",
        "an hour",
        "backend",
        "dispatched/s",
        "the limit that is hit first",
        "of it",
        "what to turn",
        "then",
    )
    return Sheet("The limit that is hit first", headings, rows)


def _waits(waits: Sequence[Waited]) -> Sheet:
    rows = [
        (one.workflow, f"{one.rate:,}", one.backend, f"{one.median:.2f}", f"{one.p95:.2f}", f"{one.kept_up:.0%}")
        for one in waits
    ]
    headings = ("workflow", "an hour", "backend", "median s", "95th s", "ended for each that came")
    return Sheet("Simulated: seconds an execution waits beside its model", headings, rows)


def _limits() -> Sheet:
    rows = [(name, one.source, f"{one.value:,.0f} {one.unit}", one.dated) for name, one in LIMITS.items()]
    return Sheet("Published limits used", ("what", "read at", "limit", "dated"), rows)


if __name__ == "__main__":
    sys.exit(main())
