"""Expressions whose value is known before anything runs, because they use nothing that is not."""

from __future__ import annotations

from typing import NamedTuple

from domain.errors import ProblemError
from domain.expressions import evaluate, names_in
from domain.steps import LoopStep, Step, SwitchStep
from domain.values import Json
from domain.workflows import walk


class Constant(NamedTuple):
    """`failure`: why it has no value, and never will."""

    value: Json = None
    failure: str | None = None


def constant(expression: str) -> Constant | None:
    """What the expression always gives; None when that depends on the execution, or cannot be read."""
    try:
        if names_in(expression):
            return None
    except ProblemError:
        return None
    try:
        return Constant(evaluate(expression, {}))
    except ProblemError as error:
        return Constant(failure=error.problem.message)


def is_false(expression: str | None) -> bool:
    return expression is not None and constant(expression) == Constant(value=False)


def is_true(expression: str | None) -> bool:
    return expression is not None and constant(expression) == Constant(value=True)


def never_run(steps: tuple[Step, ...]) -> dict[str, str]:
    """Ids of the steps that constants keep from ever running, each with the one word that says where to look."""
    found: dict[str, str] = {}
    for step in walk(steps):
        if is_false(step.when):
            found.update({inner.id: f"`{step.id}` is always skipped" for inner in walk((step,))})
        elif isinstance(step, LoopStep) and is_false(step.loop.while_):
            found.update({inner.id: f"`{step.id}` never begins a round" for inner in walk(step.children())})
        elif isinstance(step, SwitchStep):
            for child in never_chosen(step):
                found.update({inner.id: f"`{child.id}` is never chosen" for inner in walk((child,))})
    return found


def never_chosen(step: SwitchStep) -> list[Step]:
    """The cases that are false, or that stand after one that is always true or has the same condition."""
    never: list[Step] = []
    seen: set[str] = set()
    decided = False
    for case in step.switch.cases:
        if decided or is_false(case.when) or case.when in seen:
            never.append(case.step)
        decided = decided or is_true(case.when)
        seen.add(case.when)
    return [*never, step.switch.otherwise] if decided and step.switch.otherwise else never
