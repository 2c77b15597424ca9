"""The concurrent pattern: branches at the same time, joined as their author says. Deterministic.

Finished work is recorded whatever becomes of its siblings, and never lost.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain import values
from domain.steps import ConcurrentStep
from domain.workflows import walk
from orchestrators.joining import join
from orchestrators.run import Run
from orchestrators.scope import Outcome, Scope
from orchestrators.steps import RunStep


def run_concurrent(
    run: Run, step: ConcurrentStep, path: str, scope: Scope, run_step: RunStep
) -> Generator[Any, Any, Outcome]:
    branches = step.concurrent.branches
    # Each in a scope of its own: one that is left to run must not change what later steps see.
    scopes = {branch.id: scope.extended() for branch in branches}
    paths = {branch.id: f"{path}/{branch.id}" for branch in branches}
    works = {paths[branch.id]: run_step(run, branch, paths[branch.id], scopes[branch.id]) for branch in branches}
    joined = yield from join(run, path, step.concurrent.join, works)
    if run.loom.is_canceled:
        return Outcome.canceled()  # nothing was joined, and later steps may be under way
    outputs = {}
    for branch in branches:
        outcome = joined.outcomes.get(paths[branch.id])
        outputs[branch.id] = (outcome or Outcome()).value
        if outcome is not None:
            scope.steps.update(scopes[branch.id].steps)
        else:
            scope.steps.update({inner.id: Outcome(status="canceled").as_value() for inner in walk((branch,))})
    return joined.outcome(values.of_object(outputs))
