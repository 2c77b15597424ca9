"""Three hundred kills over generated workflows of every kind of step. About twenty minutes."""

from __future__ import annotations

from pathlib import Path

from tests.crash.test_generated import survive

WORKFLOWS = 16
ROUNDS = 20
KILLS_A_ROUND = 15


def test_three_hundred_kills_change_no_outcome_and_repeat_no_call(tmp_path: Path) -> None:
    survive(tmp_path, WORKFLOWS, ROUNDS, KILLS_A_ROUND)
