"""Two hundred executions on one budget, and sixty kills of the host. A few minutes."""

from __future__ import annotations

from pathlib import Path

from tests.crash.spending import spend


def test_200_executions_and_60_kills(tmp_path: Path) -> None:
    spend(tmp_path, executions=200, kills=30, seed=200)
