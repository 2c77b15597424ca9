"""Steps that only decide which steps are run: a list of them, or one of several. Deterministic."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from domain.steps import SequentialStep, Step, SwitchStep
from orchestrators.run import Run
from orchestrators.scope import Outcome, Scope
from orchestrators.steps import RunStep, StepList


def run_sequential(
    run: Run, step: SequentialStep, path: str, scope: Scope, run_step: RunStep
) -> Generator[Any, Any, Outcome]:
    return (yield from StepList(run, step.sequential, f"{path}/", scope, run_step).outcome())


def run_switch(run: Run, step: SwitchStep, path: str, scope: Scope, run_step: RunStep) -> Generator[Any, Any, Outcome]:
    """The first case whose condition is true."""
    chosen = yield from _chosen(run, step, path, scope)
    if chosen is None:
        return Outcome(status="skipped", preview="no case was true")
    outcome = yield from run_step(run, chosen, f"{path}/{chosen.id}", scope)
    return outcome.model_copy(update={"evidence": f"`{chosen.id}` was chosen"})


def _chosen(run: Run, step: SwitchStep, path: str, scope: Scope) -> Generator[Any, Any, Step | None]:
    for case in step.switch.cases:
        if (yield from run.condition(case.when, scope, path)):
            return case.step
    return step.switch.otherwise
