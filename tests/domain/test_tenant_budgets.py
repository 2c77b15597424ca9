"""Budgets of a tenant: when their periods begin, and which calls count towards them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from domain.tenant_budgets import TenantBudget, matching

NOW = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)


def budget(**fields: Any) -> TenantBudget:
    return TenantBudget.model_validate({"name": "b", "model_calls": 3, **fields})


@pytest.mark.parametrize(
    ("period", "zone", "name", "ends"),
    [
        ("day", "UTC", "2026-11-27", datetime(2026, 11, 28, tzinfo=UTC)),
        ("day", "Europe/Berlin", "2026-11-28", datetime(2026, 11, 28, 23, tzinfo=UTC)),
        ("week", "UTC", "2026-W48", datetime(2026, 11, 30, tzinfo=UTC)),
        ("month", "America/New_York", "2026-11", datetime(2026, 12, 1, 5, tzinfo=UTC)),
        ("total", "UTC", "total", None),
    ],
)
def test_a_period_begins_where_the_tenant_is(period: str, zone: str, name: str, ends: datetime | None) -> None:
    found = budget(period=period, time_zone=zone).period_at(NOW)
    assert (found.name, found.ends) == (name, ends)


def test_a_day_of_25_hours_ends_at_its_own_midnight() -> None:
    found = budget(period="day", time_zone="Europe/Berlin").period_at(datetime(2026, 10, 25, 1, tzinfo=UTC))
    assert (found.name, found.ends) == ("2026-10-25", datetime(2026, 10, 25, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    "fields",
    [{"model_calls": None}, {"of": "w"}, {"scope": "agent"}, {"time_zone": "Nowhere/City"}, {"cost_usd": "0"}],
)
def test_what_is_no_budget(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        budget(**fields)


def test_calls_count_by_scope() -> None:
    budgets = [budget(name="t"), budget(name="w", scope="workflow", of="x"), budget(name="a", scope="agent", of="x")]
    assert [one.name for one in matching(budgets, "x", "y")] == ["t", "w"]
    assert [one.name for one in matching(budgets, "y", "x")] == ["t", "a"]
