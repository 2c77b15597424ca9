"""Accounts of tenants' budgets: one truth for all processes, each call charged once, nothing held for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from api.going_on import clear_up, sweep_budgets
from domain.books import Account, Tally
from domain.caps import CapReached
from domain.events import Draft, EventType
from domain.tenant_budgets import TenantBudget
from domain.usage import Usage
from services.accounts import AT_ONCE
from services.documents.base import BATCH_OPERATIONS
from services.wiring import Services, build
from tests.services.conftest import settings_for

ONE = Usage(model_calls=1, tokens_in=10, tokens_out=5, cost_usd=Decimal("0.01"))
BUDGETS = [
    TenantBudget(name="calls", model_calls=100, period="total"),
    TenantBudget(name="money", cost_usd=Decimal(1), period="total"),
]


@pytest.fixture
async def many(tmp_path: Path) -> AsyncIterator[list[Services]]:
    """Four processes over the same state."""
    built = [build(settings_for(tmp_path)) for _ in range(4)]
    yield built
    for one in built:
        await one.close()


async def account(services: Services, budget: TenantBudget) -> Account:
    return (await services.tenant_budgets.standing("acme", budget, datetime.now(UTC))).account


async def test_of_200_calls_through_four_processes_exactly_as_many_as_the_cap_are_let_through(
    many: list[Services],
) -> None:
    async def call(number: int) -> bool:
        accounts, key = many[number % 4].accounts, f"s#{number}"
        try:
            await accounts.reserve("acme", "e", key, BUDGETS, ONE, "m")
        except CapReached:
            return False
        await accounts.settle("acme", "e", key, ONE)
        await many[(number + 1) % 4].accounts.settle("acme", "e", key, ONE)  # once more, by another process
        return True

    made = await asyncio.gather(*(call(number) for number in range(200)))
    assert sum(made) == 100
    for budget in BUDGETS:
        standing = await account(many[0], budget)
        assert standing.reserved == Tally()
        assert standing.spent == Tally(model_calls=100, tokens_in=1_000, tokens_out=500, cost_usd=Decimal("1.00"))


async def test_calls_that_ask_at_once_are_written_together(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = 0
    write = services.documents.write

    async def counted(*arguments: object, **options: object) -> object:
        nonlocal writes
        writes += 1
        return await write(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(services.documents, "write", counted)
    await asyncio.gather(
        *(services.accounts.reserve("acme", "e", f"s#{number}", BUDGETS, ONE, "m") for number in range(AT_ONCE * 2))
    )
    assert writes <= 3


async def test_where_periods_change_no_write_is_larger_than_a_transaction(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    write = services.documents.write

    async def measured(partition: str, operations: list[object], **options: object) -> object:
        sizes.append(len(operations))
        return await write(partition, operations, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(services.documents, "write", measured)
    old, new = ([TenantBudget(name=f"{name}-{n}", model_calls=99, period="total") for n in range(40)] for name in "ab")
    await asyncio.gather(
        *(services.accounts.reserve("acme", "e", f"s#{n}", new if n % 2 else old, ONE, "m") for n in range(AT_ONCE))
    )
    assert max(sizes) <= BATCH_OPERATIONS
    assert {(await account(services, budget)).reserved.model_calls for budget in (*old, *new)} == {AT_ONCE // 2}


async def test_what_a_killed_call_holds_is_settled_by_its_answer_or_released(services: Services) -> None:
    for key in ("answered#0", "lost#0"):
        await services.accounts.reserve("acme", "e", key, BUDGETS, ONE, "m")
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await services.accounts.overdue("acme", datetime.now(UTC)) == []
    draft = Draft(
        id="answered#0:call.completed",
        type=EventType.CALL_COMPLETED,
        time=later,
        data={"usage": ONE.model_dump(mode="json")},
    )
    await services.events.append("acme", "e", [draft])
    overdue = await services.accounts.overdue("acme", later)
    assert sorted(hold.key for hold in overdue) == ["answered#0", "lost#0"]
    for hold in overdue * 2:
        await clear_up(services, "acme", hold)
    standing = await account(services, BUDGETS[0])
    assert (standing.spent.model_calls, standing.reserved.model_calls) == (1, 0)
    # It was slow, and not dead: what it has used is charged all the same, once.
    for _ in range(2):
        await services.accounts.settle("acme", "e", "lost#0", ONE)
    assert (await account(services, BUDGETS[0])).spent.model_calls == 2


async def test_what_was_given_up_is_forgotten_after_a_day(services: Services) -> None:
    await services.accounts.reserve("acme", "e", "lost#0", BUDGETS, ONE, "m")
    [hold] = await services.accounts.overdue("acme", datetime.now(UTC) + timedelta(hours=1))
    await services.accounts.give_up("acme", hold)
    assert await services.accounts.is_held("acme", "e", "lost#0")
    assert await services.accounts.overdue("acme", datetime.now(UTC) + timedelta(days=2)) == []
    assert not await services.accounts.is_held("acme", "e", "lost#0")


async def test_the_sweep_clears_up_for_every_tenant(services: Services) -> None:
    await services.tenant_budgets.put("acme", BUDGETS[0], "ada")
    await services.accounts.reserve("acme", "e", "lost#0", BUDGETS, ONE, "m")
    await sweep_budgets(services, None, datetime.now(UTC) + timedelta(hours=1))  # type: ignore[arg-type]
    assert (await account(services, BUDGETS[0])).reserved == Tally()
