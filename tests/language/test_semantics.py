"""Random workflows of every kind in a random world: the orchestrators do what the reference says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from tests.language.properties import PROPERTIES

EXAMPLES = 120


@pytest.mark.parametrize("must_hold", PROPERTIES, ids=lambda one: one.__name__)
def test_random_workflows(must_hold: Callable[[], None]) -> None:
    quick = settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    quick(must_hold)()
