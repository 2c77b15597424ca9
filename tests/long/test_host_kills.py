"""The local host killed at every commit point of its work, and some hundred times at random. About five minutes."""

from __future__ import annotations

import random
from itertools import count
from pathlib import Path

from tests.crash.host.mortal import Fused, Hunted
from tests.crash.host.ordeal import go_through
from tests.crash.host.stub import HttpStub

PAST_THE_END = 4
"""So many fuses in a row that were too long: groups of commits differ, and a run may have a few more or less."""
RECOVERY = 7
KILLS = 200
KILLS_A_ROUND = 8


def test_killed_before_and_after_every_commit(tmp_path: Path) -> None:
    """And once more while it recovers."""
    kills = survived = 0
    for length in count(1):
        folder = tmp_path / str(length)
        folder.mkdir()
        with HttpStub() as stub:
            host = Fused(folder, stub.url, (length, length % RECOVERY + 1))
            go_through(host, stub)
        kills += host.lives - 1
        survived = survived + 1 if host.lives == 1 else 0
        if survived == PAST_THE_END:
            break
    print(f"{length - PAST_THE_END} moments before or after a commit, {kills} kills")
    assert kills >= 200


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
