"""The local host killed with SIGKILL in the middle of every kind of durable work. `tests/long` does far more of it."""

from __future__ import annotations

import random
from pathlib import Path

from tests.crash.host.mortal import Fused, Hunted
from tests.crash.host.ordeal import go_through
from tests.crash.host.stub import HttpStub

FUSES = (3, 8, 1, 6, 2, 11, 4, 7, 9, 5, 12, 2, 10, 3, 14, 6, 13, 4, 8, 5)
KILLS = 5
SEED = 5


def test_killed_before_and_after_commits(tmp_path: Path) -> None:
    with HttpStub() as stub:
        host = Fused(tmp_path, stub.url, FUSES)
        go_through(host, stub)
    assert host.lives == len(FUSES) + 1


def test_killed_at_random_moments(tmp_path: Path) -> None:
    with HttpStub() as stub:
        host = Hunted(tmp_path, stub.url, random.Random(SEED), KILLS)
        go_through(host, stub)
    print(f"{host.lives - 1} kills")
    assert host.lives > 1
