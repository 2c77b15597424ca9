"""Three hundred kills of executions whose agents call tools. About half an hour."""

from __future__ import annotations

import os
import random
from pathlib import Path

from tests.crash.test_tools import survive

ROUNDS = 30
KILLS_A_ROUND = 10


def test_no_tool_is_called_twice_and_no_answer_paid_for_twice(tmp_path: Path) -> None:
    # Other moments each time; the seed that is printed brings them back.
    seed = int(os.environ.get("KILLS_SEED") or random.randrange(10**6))
    survive(tmp_path, ROUNDS, KILLS_A_ROUND, seed)
