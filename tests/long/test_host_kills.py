"""The local host killed at every commit point of its work, and some hundred times at random. About ten minutes."""

from __future__ import annotations

import random
from itertools import count
from pathlib import Path

import pytest

from tests.crash.host.mortal import Fused, Hunted
from tests.crash.host.ordeal import go_through
from tests.crash.host.stub import HttpStub

PAST_THE_END = 4
"""So many fuses in a row that were too long: groups of commits differ, and a run may have a few more or less."""
RECOVERIES = ((1,), (2, 5), (3, 1, 4))
"""Fuses of the lives after the first: killed again while recovering."""
KILLS = 200
KILLS_A_ROUND = 8


@pytest.mark.parametrize("recovery", RECOVERIES)
def test_killed_before_and_after_every_commit(tmp_path: Path, recovery: tuple[int, ...]) -> None:
    kills = survived = 0
    for length in count(1):
        folder = tmp_path / str(length)
        folder.mkdir()
        with HttpStub() as stub:
            host = Fused(folder, stub.url, (length, *recovery))
            go_through(host, stub)
        kills += host.lives - 1
        survived = survived + 1 if host.lives == 1 else 0
        if survived == PAST_THE_END:
            break
    print(f"{length - PAST_THE_END} moments before or after a commit, {kills} kills")
    assert length > 60, "the work has fewer commits than it should"


def test_killed_at_random_moments_again_and_again(tmp_path: Path) -> None:
    chance = random.Random(KILLS)
    kills = 0
    for number in count():
        folder = tmp_path / str(number)
        folder.mkdir()
        with HttpStub() as stub:
            host = Hunted(folder, stub.url, chance, KILLS_A_ROUND)
            go_through(host, stub)
        kills += host.lives - 1
        if kills >= KILLS:
            break
    print(f"{kills} kills in {number + 1} rounds")
