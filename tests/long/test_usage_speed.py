"""What `GET /api/usage` takes when a million executions have been counted."""

from __future__ import annotations

import random
import statistics
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from time import process_time

from domain.rollups import SEPARATOR, Dimension, Figures, packed
from services.documents.base import Put
from services.settings import Settings
from services.usage import partition_of_usage
from services.wiring import build

EXECUTIONS, DAYS, WORKFLOWS, AGENTS, MODELS = 1_000_000, 100, 20, 5, 2
LAST = date(2026, 11, 27)
SECONDS = 0.2
"""Of one core, however busy the machine is: so much of it a query takes, the reading included."""
BY: tuple[tuple[Dimension, ...], ...] = (
    ("day",),
    ("workflow", "model"),
    ("agent", "tool"),
    ("day", "agent", "model"),
)


async def test_a_million_executions_are_summed_up_in_a_blink(tmp_path: Path) -> None:
    chance = random.Random(1)
    services = build(Settings(state_dir=tmp_path))
    a_row = EXECUTIONS // (DAYS * WORKFLOWS * AGENTS * MODELS)
    for back in range(DAYS):
        day = LAST - timedelta(days=back)
        puts = []
        for workflow in range(WORKFLOWS):
            rows = {
                SEPARATOR.join((f"agent-{agent}", f"model-{model}", "")): packed(
                    Figures(
                        model_calls=4 * a_row,
                        tokens_in=chance.randrange(10**6),
                        tokens_out=chance.randrange(10**5),
                        cost_usd=Decimal(chance.randrange(10**9)) / 10**6,
                        seconds=Decimal(chance.randrange(10**6)) / 1_000,
                    )
                )
                for agent in range(AGENTS)
                for model in range(MODELS)
            }
            rows[SEPARATOR * 2] = packed(Figures(executions=AGENTS * MODELS * a_row))
            body = {"day": day.isoformat(), "workflow": f"workflow-{workflow}", "rows": rows}
            puts.append(Put(f"day:{day}:workflow-{workflow}", body))
        await services.documents.write(partition_of_usage("acme"), puts)
    for by in BY:
        took = []
        for _ in range(5):
            before = process_time()
            sums = await services.usage.query("acme", LAST - timedelta(days=DAYS - 1), LAST, by)
            total, items = sums.total(), sums.items()
            took.append(process_time() - before)
        executions = total["executions"]
        ms = statistics.median(took) * 1000
        print(f"{executions:,} executions by {', '.join(by)}: {len(items)} items, {ms:.0f} ms of a core")
        assert executions == AGENTS * MODELS * a_row * DAYS * WORKFLOWS == EXECUTIONS
        assert min(took) < SECONDS
    await services.close()
