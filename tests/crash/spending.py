"""Executions that spend a tenant's budget at the same time, while their host is killed; and what must be true after."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

from domain.events import EventType
from tests.crash.killing import kill_at_random_moments, logs_on_disk
from tests.crash.system import SECONDS, System, wait_until

STEPS = 4
WORKFLOW = {"name": "spender", "steps": [{"id": f"s{number}", "agent": "writer"} for number in range(STEPS)]}
MOST_MS = 150


def spend(folder: Path, executions: int, kills: int, seed: int) -> None:
    """Half of what all executions want is in the budget. They pause exactly there; raised, all come to their ends, and
    the account says what their logs say.
    """
    chance, whole = random.Random(seed), executions * STEPS
    cap = whole // 2
    environment = {"MODEL_CONCURRENCY": "64", "MODEL_PRICES": '{"stub-model": ["0.40", "1.60"]}'}
    with System(folder, environment=environment) as system:
        system.agents("writer")
        budgets, start = system.client.budgets, system.client.executions.start
        budgets.put({"name": "all", "model_calls": cap, "period": "total"})
        ids = [start(WORKFLOW).id for _ in range(executions)]
        kill_at_random_moments(system, ids, chance.sample(range(cap), kills), chance, MOST_MS)
        wait_until(lambda: _all_wait(system, ids), "all executions paused", 10 * SECONDS, 0.1)
        assert _answered(system) == cap
        standing = budgets.get("all")
        assert (standing.spent.model_calls, standing.reserved.model_calls) == (cap, 0)
        budgets.put({"name": "all", "model_calls": whole, "period": "total"})
        moments = chance.sample(range(cap, whole), kills)
        kill_at_random_moments(system, ids, moments, chance, MOST_MS)
        budgets.put({"name": "all", "model_calls": whole + 1, "period": "total"})  # wakes what the kills kept asleep
        records = [system.ended(id) for id in ids]
        assert {record.status for record in records} == {"completed"}
        spent = budgets.get("all")
        # An end is seen a moment before it is counted.
        wait_until(lambda: system.client.usage().total.executions == executions, "all ends are counted")
        counted = system.client.usage(by=("workflow",))
        system.host.kill()
        logs = logs_on_disk(system.host.state_dir, ids)
        assert _answered(system) == whole
    paid = [event for log in logs.values() for event in log if event.type is EventType.CALL_COMPLETED]
    tokens = sum(event.data["usage"]["tokens_in"] + event.data["usage"]["tokens_out"] for event in paid)
    assert len(paid) == whole == spent.spent.model_calls
    assert spent.spent.tokens_in + spent.spent.tokens_out == tokens
    cost = sum((Decimal(event.data["usage"]["cost_usd"]) for event in paid), Decimal(0))
    assert spent.spent.cost_usd == counted.total.cost_usd == cost > 0
    assert spent.reserved.model_calls == 0
    assert [(item.workflow, item.executions, item.model_calls) for item in counted.items] == [
        ("spender", executions, whole)
    ]


def _all_wait(system: System, ids: list[str]) -> bool:
    records = [system.client.executions.get(id) for id in ids]
    return all(record.is_ended or record.paused_for is not None for record in records)


def _answered(system: System) -> int:
    """Calls that were answered, however often."""
    return len({entry.idempotency_key for entry in system.stub.log("sent")})
