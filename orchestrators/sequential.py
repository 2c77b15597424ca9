"""The sequential pattern: steps one after the other, ending at the first that fails. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain.steps import SequentialStep
from orchestrators.run import Outcome, Run, Scope


def run_sequential(
    run: Run, step: SequentialStep, path: str, scope: Scope, run_step: Any
) -> Generator[Any, Any, Outcome]:
    outcome = Outcome()
    for child in step.sequential:
        outcome = yield from run_step(run, child, f"{path}/{child.id}", scope)
        if outcome.error is not None:
            break
    return outcome
