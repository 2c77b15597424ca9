"""What executions have used is counted when they end: once, and as their records say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.orchestrators.bench import TENANT, Bench


async def test_the_rows_say_what_the_records_say(bench: Bench) -> None:
    bench.model.price = Decimal("0.001")
    chat = {"participants": ["p", "q"], "task": "Talk.", "until": {"any": [{"turns": 3}]}}
    records = [
        await bench.run({"steps": [{"id": "talk", "group_chat": chat}, {"id": "s", "agent": "x"}]}) for _ in "ab"
    ]
    today = datetime.now(UTC).date()
    sums = await bench.services.usage.query(TENANT, today - timedelta(days=1), today, ("agent",))
    total = sums.total()
    assert total["executions"] == 2
    assert total["model_calls"] == sum(record.usage.model_calls for record in records) == 8
    assert Decimal(str(total["cost_usd"])) == sum(record.usage.cost_usd or 0 for record in records)
    assert {item["agent"]: item["model_calls"] for item in sums.items()} == {"": 0, "p": 4, "q": 2, "x": 2}


async def test_an_execution_says_what_each_step_cost(bench: Bench) -> None:
    record = await bench.run({"steps": [{"id": "one", "agent": "x"}, {"id": "two", "agent": "y"}]})
    sums = await bench.services.usage.of_execution(TENANT, record.id, ("step", "agent"))
    assert [(item["step"], item["agent"], item["model_calls"]) for item in sums.items()] == [
        ("one", "x", 1),
        ("two", "y", 1),
    ]
