"""What the sweep measures for telemetry: how many run, which are stuck, what waits for people, how budgets stand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from api import measuring
from api.measuring import PATIENCE, QUIET, Measures, share
from domain.approvals import Approval, Kind
from domain.books import Tally
from domain.calls import Park
from domain.events import Draft, EventType
from domain.executions import Execution, Status, StopReason
from domain.policies import Amounts
from domain.retention import first_id_of
from domain.tenant_budgets import TenantBudget
from domain.usage import Usage
from services.telemetry.base import Level, Telemetry
from services.waits import waiting
from services.wiring import Services
from tests.api.conftest import FakeDurable

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TENANT = "one"


class Shown(Telemetry):
    is_on = True

    def __init__(self) -> None:
        self.found: dict[str, Sequence[Level]] = {}

    def levels(self, found: Mapping[str, Sequence[Level]], at: datetime) -> None:
        self.found = dict(found)

    def __getitem__(self, name: str) -> float:
        [(level, _)] = self.found[f"meta_agents.{name}"]
        return level


@pytest.fixture
async def shown(services: Services) -> Shown:
    return Shown()


@pytest.fixture
async def measured(services: Services, shown: Shown) -> Services:
    return dataclasses.replace(services, telemetry=shown)


async def begun(services: Services, number: int = 0, at: datetime = NOON, **more: Any) -> Execution:
    record = Execution(
        id=f"{first_id_of(at)}{number:020x}", tenant=TENANT, workflow="w", workflow_version=1, plan="p",
        status=Status.RUNNING, input={}, started_by="test", created=at, **more,
    )  # fmt: skip
    started = Draft(id=EventType.EXECUTION_STARTED, type=EventType.EXECUTION_STARTED, time=at)
    return (await services.executions.create(record, started))[0]


async def test_where_telemetry_is_off_nothing_is_looked_at(
    services: Services, durable: FakeDurable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(services.executions), "marks", None)
    await Measures()(services, durable, NOON)


async def test_one_in_which_nothing_happens_and_nothing_waits_is_stuck(
    measured: Services, durable: FakeDurable, shown: Shown
) -> None:
    await begun(measured)
    measures = Measures()
    await measures(measured, durable, NOON + QUIET - timedelta(seconds=1))
    assert (shown["executions.running"], shown["executions.stuck"]) == (1, 0)
    await measures(measured, durable, NOON + QUIET + timedelta(seconds=1))
    assert (shown["executions.running"], shown["executions.stuck"]) == (1, 1)


async def test_one_that_waits_is_not_stuck(measured: Services, durable: FakeDurable, shown: Shown) -> None:
    execution = await begun(measured)
    park = Park(tenant=TENANT, execution=execution.id, key="w!0", step="w")
    await measured.events.append(TENANT, execution.id, [], waiting(park))
    await Measures()(measured, durable, NOON + 2 * QUIET)
    assert shown["executions.stuck"] == 0


async def test_one_that_is_paused_is_not_stuck(measured: Services, durable: FakeDurable, shown: Shown) -> None:
    execution = await begun(measured)
    await measured.executions.stand(TENANT, execution.id, Status.PAUSED, (Status.RUNNING,))
    await Measures()(measured, durable, NOON + 2 * QUIET)
    assert shown["executions.stuck"] == 0


async def test_what_goes_on_is_stuck_no_longer(measured: Services, durable: FakeDurable, shown: Shown) -> None:
    execution, measures = await begun(measured), Measures()
    await measures(measured, durable, NOON + 2 * QUIET)
    assert shown["executions.stuck"] == 1
    later = NOON + 3 * QUIET
    draft = Draft(id="s:step.started", type=EventType.STEP_STARTED, time=later, step="s")
    await measured.events.append(TENANT, execution.id, [draft])
    await measures(measured, durable, later)
    assert shown["executions.stuck"] == 0


async def test_what_has_ended_is_forgotten(measured: Services, durable: FakeDurable, shown: Shown) -> None:
    execution, measures = await begun(measured), Measures()
    await measures(measured, durable, NOON + 2 * QUIET)
    reason = StopReason.FINISHED
    await measured.executions.end(TENANT, execution.id, status=Status.COMPLETED, stop_reason=reason, ended=NOON)
    await measures(measured, durable, NOON + 2 * QUIET)
    assert (shown["executions.running"], shown["executions.stuck"]) == (0, 0)


async def test_each_sweep_looks_at_so_many_and_the_next_at_the_others(
    measured: Services, durable: FakeDurable, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "LOOKED_AT", 2)
    for number in range(5):
        await begun(measured, number)
    measures, found = Measures(), []
    for _ in range(4):
        await measures(measured, durable, NOON + 2 * QUIET)
        found.append(shown["executions.stuck"])
    assert found == [2, 4, 5, 5]
    assert shown["executions.running"] == 5


@pytest.mark.parametrize(
    ("fields", "late", "overdue"),
    [
        ({}, PATIENCE - timedelta(seconds=1), 0),
        ({}, PATIENCE, 1),
        ({"deadline": NOON + timedelta(hours=1)}, timedelta(minutes=59), 0),
        ({"deadline": NOON + timedelta(hours=1)}, timedelta(hours=1), 1),
        ({"escalated": True, "deadline": NOON + timedelta(hours=9)}, timedelta(0), 1),
    ],
)
async def test_questions_that_wait_for_too_long_are_overdue(
    measured: Services, durable: FakeDurable, shown: Shown, fields: dict[str, Any], late: timedelta, overdue: int
) -> None:
    execution = await begun(measured)
    about = {"tenant": TENANT, "execution": execution.id, "workflow": "w", "step": "a", "kind": Kind.APPROVAL}
    asked = {"id": "q", "ask": "?", "options": ("approve",), "roles": (), "created": NOON}
    await measured.approvals.put(Approval.model_validate({**about, **asked, **fields}))
    await Measures()(measured, durable, NOON + late)
    assert (shown["approvals.waiting"], shown["approvals.overdue"]) == (1, overdue)


async def test_a_budget_is_shown_by_how_much_of_it_is_used(
    measured: Services, durable: FakeDurable, shown: Shown
) -> None:
    budget = TenantBudget(name="ever", period="total", model_calls=4)
    await measured.tenant_budgets.put(TENANT, budget, by="ann")
    used = Usage(model_calls=1)
    await measured.accounts.reserve(TENANT, "e", "k", [budget], used, "m")
    await measured.accounts.settle(TENANT, "e", "k", used)
    await Measures()(measured, durable, NOON)
    assert shown.found["meta_agents.budget.used"] == [(0.25, {"budget": "ever"})]


@pytest.mark.parametrize(
    ("cap", "spent", "share_of_it"),
    [
        (Amounts(model_calls=4), Tally(model_calls=1), 0.25),
        (Amounts(model_calls=4, tokens=100), Tally(model_calls=1, tokens_in=30, tokens_out=20), 0.5),
        (Amounts(cost_usd=Decimal(2)), Tally(cost_usd=Decimal(3)), 1.5),
        (Amounts(tokens=1), Tally(), 0.0),
    ],
)
def test_a_share_is_that_of_the_part_that_is_used_most(cap: Amounts, spent: Tally, share_of_it: float) -> None:
    assert share(cap, spent) == share_of_it
