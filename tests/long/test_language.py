"""The properties of random workflows, thousands of them and with other dice each time. A quarter of an hour."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from tests.language.properties import PROPERTIES

EXAMPLES = 5_000


@pytest.mark.parametrize("must_hold", PROPERTIES, ids=lambda one: one.__name__)
def test_thousands_of_random_workflows(must_hold: Callable[[], None]) -> None:
    long = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    long(must_hold)()
