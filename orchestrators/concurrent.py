"""The concurrent pattern: branches at the same time, joined when all have ended. Deterministic.

Every branch runs to its own end even when a sibling has failed: finished work is recorded and never lost.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain import values
from domain.steps import ConcurrentStep
from orchestrators.run import Outcome, Run, Scope
from orchestrators.weave import weave


def run_concurrent(
    run: Run, step: ConcurrentStep, path: str, scope: Scope, run_step: Any
) -> Generator[Any, Any, Outcome]:
    branches = step.concurrent.branches
    strands = [run_step(run, branch, f"{path}/{branch.id}", scope) for branch in branches]
    outcomes: list[Outcome] = yield from weave(run.context, strands)
    for outcome in outcomes:
        if outcome.error is not None:
            return Outcome.failed(outcome.error)
    value = values.of_object({branch.id: outcome.value for branch, outcome in zip(branches, outcomes, strict=True)})
    return Outcome(value=value, preview=f"{len(branches)} branches")
