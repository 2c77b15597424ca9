"""A tenant's budget through six kills of the host: never passed, and exact to the token."""

from __future__ import annotations

from pathlib import Path

from tests.crash.spending import spend


def test_a_budget_is_never_passed_and_what_was_spent_is_counted_once(tmp_path: Path) -> None:
    spend(tmp_path, executions=20, kills=3, seed=20)
