"""The engine against `reference`: whatever is done to them in whatever order. `tests/long` does more of it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.devhost.engine.machine import Machine


@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")  # the SDK's, after a race that is over
def test_the_engine_does_what_the_reference_does() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=60,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
