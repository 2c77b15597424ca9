"""What docs/cost.md and docs/scale.md show is what was counted, and computed from that."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from bench import cost, scale
from bench.counted import DEMOS, FIVE, Used
from bench.docs import inserted
from bench.listprices import LIMITS, PRICES


def used(**fields: int) -> Used:
    given = {
        "model_calls": 2, "actions": 10, "activities": 3, "turns": 4, "events": 8, "log_bytes": 2_048,
        "record_bytes": 2_000, "messages": 5, "tokens_in": 100, "tokens_out": 50, "telemetry_bytes": 1_000,
    }  # fmt: skip
    places = {"executions/ID": 200.0, "executions": 40.0, "usage": 10.0}
    return Used(workflow="w", requests={"Batch": 6}, ru={"Batch": 250.0}, ru_by_partition=places, **{**given, **fields})


def test_the_page_on_cost_shows_what_was_counted() -> None:
    page = cost.PAGE.read_text("utf-8")
    assert inserted(page, cost.text_of(cost.read()), cost.BEGIN, cost.END) == page


def test_the_page_on_scale_shows_what_was_computed() -> None:
    page = scale.PAGE.read_text("utf-8")
    assert inserted(page, scale.text_of(), scale.BEGIN, scale.END) == page


def test_what_was_computed_follows_from_what_was_counted() -> None:
    kept = json.loads(scale.MEASURED.read_text("utf-8"))
    assert kept["loads"] == [asdict(one) for one in scale.loads(scale.demos())]
    assert {one["workflow"] for one in kept["waits"]} == set(DEMOS)


def test_five_steps_are_as_many_requests_as_their_operations_take() -> None:
    [five] = [one for one in cost.read() if one.workflow == FIVE]
    assert five.requests == {"Batch": 15, "ReadItem": 5, "QueryItems": 2}
    assert five.total_ru == pytest.approx(sum(five.ru_by_partition.values()), abs=1)


def test_dollars_are_amounts_times_prices() -> None:
    found = cost.dollars_of(used())
    assert found["Cosmos DB"] == pytest.approx(250 * 0.25e-6)
    assert found["Functions"] == pytest.approx(2 * 5 / 8 * 2 * PRICES["flex.memory"].value)
    assert found["model"] == pytest.approx(100 * 0.4e-6 + 50 * 1.6e-6)


def test_every_number_has_a_source_and_says_when_it_is_second_hand() -> None:
    for one in (*PRICES.values(), *LIMITS.values()):
        assert one.source.startswith("https://")
        assert one.second_hand != one.source.startswith("https://learn.microsoft.com/")


def test_a_load_is_a_rate_times_what_one_uses() -> None:
    consumption, _, storage = scale.BACKENDS
    load = scale.load_of(used(), 3_600, consumption)
    assert (load.actions, load.ru, load.tenant_ru, load.instances) == (10, 250, 40, 2)
    assert scale.load_of(used(), 3_600, storage).actions == 3
    assert (load.first, load.share) == ("Cosmos DB serverless: RU/s of the container", 0.05)
    assert scale.load_of(used(actions=5_000), 3_600, consumption).first == "Scheduler, Consumption: dispatch"


def test_in_the_simulation_what_is_too_much_is_not_kept_up_with() -> None:
    consumption, dedicated, _ = scale.BACKENDS
    one = used(actions=1_000)
    slow, quick = (scale.simulated(one, 3_600, backend) for backend in (consumption, dedicated))
    assert slow.kept_up < 0.7
    assert slow.median > 100
    assert quick.kept_up > 0.95
    assert quick.p95 < 5
    assert scale.simulated(one, 3_600, dedicated) == quick
