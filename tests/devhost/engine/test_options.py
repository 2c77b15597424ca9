"""host.json and the engine's options."""

from __future__ import annotations

import os
from typing import Any

import pytest

from devhost.engine.options import EngineOptions


def test_host_json_sets_limits_and_version() -> None:
    durable = {
        "hubName": "ignored",
        "maxConcurrentActivityFunctions": 3,
        "maxConcurrentEntityFunctions": 4,
        "maxEntityOperationBatchSize": 5,
        "defaultVersion": "1.2",
    }
    options = EngineOptions.from_host_json({"version": "2.0", "extensions": {"durableTask": durable}})
    assert options == EngineOptions(
        max_concurrent_activities=3, max_concurrent_entities=4, entity_batch_size=5, default_version="1.2"
    )


@pytest.mark.parametrize(
    "host_json",
    [
        {},
        {"extensions": None},
        {"extensions": {}},
        {"extensions": {"durableTask": None}},
        {"extensions": {"durableTask": {"maxConcurrentActivityFunctions": None}}},
    ],
)
def test_without_settings_the_defaults_hold(host_json: dict[str, Any]) -> None:
    options = EngineOptions.from_host_json(host_json)
    assert options == EngineOptions()
    assert options.max_concurrent_activities == 10 * (os.cpu_count() or 1)


@pytest.mark.parametrize("bad", [0, -1, "8", 1.5, True, []])
def test_a_bad_value_is_named(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"extensions\.durableTask\.maxConcurrentActivityFunctions must be a whole"):
        EngineOptions.from_host_json({"extensions": {"durableTask": {"maxConcurrentActivityFunctions": bad}}})
