"""What a bundle takes along, and what no bundle may say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.bundle_checks import facts_of
from domain.bundles import NOT_BUNDLED, BundledEvent, BundledExecution, plausible
from domain.events import Event, EventType
from domain.executions import Execution
from domain.usage import Usage


def test_each_field_of_a_record_is_taken_along_or_left_on_purpose() -> None:
    assert set(Execution.model_fields) == set(BundledExecution.model_fields) | NOT_BUNDLED
    assert not set(BundledExecution.model_fields) & NOT_BUNDLED


def test_an_event_is_taken_along_whole_its_payload_in_it() -> None:
    assert set(BundledEvent.model_fields) == set(Event.model_fields) - {"artifact"}


@pytest.mark.parametrize("cost", [None, "0", "0.000000000001", "1000000000"])
def test_sums_that_may_be(cost: str | None) -> None:
    usage = Usage(model_calls=10**15, cost_usd=None if cost is None else Decimal(cost))
    assert plausible(usage) is usage


@pytest.mark.parametrize("cost", ["-0.01", "1000000001", "1e-21", "1e999999", "1e-999999"])
def test_sums_that_cannot_be(cost: str) -> None:
    with pytest.raises(ValueError, match="cost_usd"):
        plausible(Usage(cost_usd=Decimal(cost)))


def test_facts_may_be_more_than_are_known() -> None:
    for type in EventType:
        facts_of(type).model_validate(
            {
                "call": "a#0",
                "usage": {},
                "request": "0" * 64,
                "error": {"code": "timeout", "message": "m", "action": "a", "fault": "model"},
                "asks": [],
                "later": [1],
            }
        )
