"""`python -m bench.cost`: what an execution uses and what that costs; counts anew, writes JSON, prints the tables.

`--show` counts nothing and shows what is in the file; `--docs` puts the tables into docs/cost.md as well.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench.counted import Used, measured
from bench.docs import inserted
from bench.listprices import PRICES
from bench.process import ROOT
from bench.report import Sheet

MEASURED = ROOT / "bench" / "measured" / "executions.json"
PAGE = ROOT / "docs" / "cost.md"
BEGIN, END = "<!-- cost: written by `python -m bench.cost --docs` -->", "<!-- /cost -->"
MODEL = "gpt-4.1-mini"
MODEL_SECONDS = 5.0
"""Assumed of one call of a model."""
INSTANCE_GB = 2.0
CALLS_AT_ONCE = 8
"""Model calls that one process makes at the same time (MODEL_CONCURRENCY)."""
MARK = "†"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.cost", description=__doc__)
    parser.add_argument("--show", action="store_true", help="count nothing")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/cost.md")
    options = parser.parse_args(arguments)
    if not options.show:
        MEASURED.write_text(json.dumps([asdict(one) for one in measured()], indent=1) + "\n")
    used = read()
    console = Console(width=160)
    for sheet in sheets(used):
        console.print(sheet.rich())
    if options.docs:
        PAGE.write_text(inserted(PAGE.read_text("utf-8"), text_of(used), BEGIN, END), "utf-8")
    return 0


def read(path: Path = MEASURED) -> list[Used]:
    return [Used(**one) for one in json.loads(path.read_text("utf-8"))]


def text_of(used: Sequence[Used]) -> str:
    return "\n\n".join(sheet.markdown() for sheet in sheets(used))


def sheets(used: Sequence[Used]) -> list[Sheet]:
    return [_counted(used), _units(used), _dollars(used), prices()]


def _counted(used: Sequence[Used]) -> Sheet:
    headings = ("workflow", "model calls", "requests to Cosmos DB", "durable actions", "activities", "turns",
                "events", "log KB", "messages a watcher", "telemetry KB", "tokens in", "out")  # fmt: skip
    rows = [
        (
            one.workflow, str(one.model_calls), str(sum(one.requests.values())), str(one.actions), str(one.activities),
            str(one.turns), str(one.events), f"{one.log_bytes / 1024:.1f}", str(one.messages),
            f"{one.telemetry_bytes / 1024:.1f}", str(one.tokens_in), str(one.tokens_out),
        )
        for one in used
    ]  # fmt: skip
    return Sheet("Counted: one execution, in a process that has executed another", headings, rows)


def _units(used: Sequence[Used]) -> Sheet:
    places = ("executions/ID", "executions", "usage")
    headings = ("workflow", "RU", "its own log", "the tenant's records", "usage rows", "definitions and others")
    rows = []
    for one in used:
        parts = [one.ru_by_partition.get(place, 0.0) for place in places]
        rest = one.total_ru - sum(parts)
        rows.append((one.workflow, *(f"{part:.0f}" for part in (one.total_ru, *parts, rest))))
    return Sheet("Modelled: request units of those requests, and where they go", headings, rows)


def dollars_of(one: Used) -> dict[str, float]:
    """By what is paid for. GB-seconds are those of an instance all of whose places are taken."""
    seconds = one.model_calls * MODEL_SECONDS / CALLS_AT_ONCE
    return {
        "Cosmos DB": one.total_ru / 1e6 * PRICES["cosmos.serverless"].value,
        "Functions": seconds * INSTANCE_GB * PRICES["flex.memory"].value,
        "logs": one.telemetry_bytes / 1e9 * PRICES["logs.ingested"].value,
        "watcher": one.messages / 1e6 * PRICES["signalr.messages"].value,
        "model": model_dollars(one.tokens_in, one.tokens_out),
    }


def model_dollars(tokens_in: int, tokens_out: int) -> float:
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - slow to import

    found = calc_price(Usage(input_tokens=tokens_in, output_tokens=tokens_out), MODEL, provider_id="azure")
    return float(found.total_price)


def _dollars(used: Sequence[Used]) -> Sheet:
    headings = ("workflow", "Cosmos DB, serverless", f"Functions {MARK}", f"logs {MARK}", f"one watcher {MARK}",
                f"model ({MODEL})", "together")  # fmt: skip
    rows = []
    for one in used:
        found = dollars_of(one)
        rows.append((one.workflow, *(f"{value * 1_000:.3f}" for value in (*found.values(), sum(found.values())))))
    return Sheet("Computed: US dollars for 1,000 executions, at list prices", headings, rows)


def prices() -> Sheet:
    rows = [
        (
            name + (f" {MARK}" if one.second_hand else ""),
            one.source,
            f"${one.value:g} a {one.unit}",
            one.region,
            one.dated,
        )
        for name, one in PRICES.items()
    ]
    return Sheet("List prices used", ("what", "read at", "price", "region", "dated"), rows)


if __name__ == "__main__":
    sys.exit(main())
