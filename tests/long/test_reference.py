"""The engine against its reference, at length and with other dice each time. A quarter of an hour."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.devhost.engine.machine import Machine


@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")  # the SDK's, after a race that is over
@pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")
def test_the_engine_does_what_the_reference_does() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=1000, stateful_step_count=80, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
