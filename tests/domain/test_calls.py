from __future__ import annotations

import re

import pytest

from domain.calls import Action

WAKES = [
    Action(tenant="t", execution="e", key=key, step="s", tries=tries).wake
    for key in ("sign-off?0", "debate/turn[3]#1", "hold!0")
    for tries in (0, 1)
]


@pytest.mark.parametrize("wake", WAKES)
def test_a_wake_is_the_same_in_an_address(wake: str) -> None:
    """The durable client puts the name into one as it is: a `?` or `#` in it would begin something else."""
    assert re.fullmatch(r"[A-Za-z0-9-]+", wake)


def test_each_try_of_each_action_has_a_wake_of_its_own() -> None:
    assert len(set(WAKES)) == len(WAKES)
