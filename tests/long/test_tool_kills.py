"""Three hundred kills of executions whose agents call tools, and some where calls take turns. Half an hour."""

from __future__ import annotations

import os
import random
from pathlib import Path

from tests.crash.test_tools import survive

ROUNDS = 30
KILLS_A_ROUND = 10
LIMITED_ROUNDS = 4
LIMITS = {"tool:at-most-once": 1, "tool:noted": 1, "model:default": 2, "tenant": 4}


def seed() -> int:
    """Other moments each time; the seed that is printed brings them back."""
    return int(os.environ.get("KILLS_SEED") or random.randrange(10**6))


def test_no_tool_is_called_twice_and_no_answer_paid_for_twice(tmp_path: Path) -> None:
    survive(tmp_path, ROUNDS, KILLS_A_ROUND, seed())


def test_nor_where_calls_take_turns(tmp_path: Path) -> None:
    survive(tmp_path, LIMITED_ROUNDS, KILLS_A_ROUND, seed(), LIMITS)
