"""What is made to hold the service up is refused in moments, with a reason, and without filling the memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api.bombs import EVALUATIONS, JSON_BOMBS, VALUES, YAML_BOMBS

ROOT = Path(__file__).parents[2]
SECONDS = 3
"""Of the processor, for each: they take less than one by themselves, and longer where others use its caches."""
MEGABYTES = 100
TAKEN = {"needs again and again", "a constant of macros", "cases", "small huge integers"}
"""What turns out to be harmless."""


@pytest.fixture(scope="module")
def outcomes() -> list[dict[str, Any]]:
    run = [sys.executable, "-m", "tests.api.bombs"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_is_refused_with_a_reason(outcomes: list[dict[str, Any]]) -> None:
    assert len(outcomes) == len(JSON_BOMBS) + len(YAML_BOMBS) + len(EVALUATIONS) + len(VALUES)
    assert {outcome["name"] for outcome in outcomes if not outcome["said"]} == TAKEN


def test_each_takes_moments_and_little_memory(outcomes: list[dict[str, Any]]) -> None:
    too_long = [outcome for outcome in outcomes if outcome["seconds"] > SECONDS]
    too_large = [outcome for outcome in outcomes if outcome["megabytes"] > MEGABYTES]
    assert (too_long, too_large) == ([], [])


def test_what_is_said_is_short(outcomes: list[dict[str, Any]]) -> None:
    assert [outcome for outcome in outcomes if outcome["said"] > 100 or outcome["longest"] > 1_000] == []
