"""Expressions whose value is known before anything runs, because they use nothing that is not."""

from __future__ import annotations

from typing import NamedTuple

from domain.errors import ProblemError
from domain.expressions import evaluate, names_in
from domain.steps import LoopStep, Step, SwitchStep
from domain.values import Json
from domain.work import Work
from domain.workflows import walk

MOST_WORK = 100_000
"""For all constants of one workflow; what is left then counts as not known."""


class Constant(NamedTuple):
    """`failure`: why it has no value, and never will."""

    value: Json = None
    failure: str | None = None


class Constants:
    """Those of one workflow, each worked out once."""

    def __init__(self) -> None:
        self._known: dict[str, Constant | None] = {}
        self._work = Work(MOST_WORK)

    def of(self, expression: str) -> Constant | None:
        """What the expression always gives; None when that depends on the execution, or cannot be told."""
        if expression not in self._known:
            self._known[expression] = self._worked_out(expression)
        return self._known[expression]

    def is_false(self, expression: str | None) -> bool:
        return expression is not None and self.of(expression) == Constant(value=False)

    def is_true(self, expression: str | None) -> bool:
        return expression is not None and self.of(expression) == Constant(value=True)

    def never_run(self, steps: tuple[Step, ...]) -> dict[str, str]:
        """Ids of the steps that constants keep from ever running, each with the reason."""
        found: dict[str, str] = {}
        for step in walk(steps):
            if self.is_false(step.when):
                found.update({inner.id: f"`{step.id}` is always skipped" for inner in walk((step,))})
            elif isinstance(step, LoopStep) and self.is_false(step.loop.while_):
                found.update({inner.id: f"`{step.id}` never begins a round" for inner in walk(step.children())})
            elif isinstance(step, SwitchStep):
                for child in self.never_chosen(step):
                    found.update({inner.id: f"`{child.id}` is never chosen" for inner in walk((child,))})
        return found

    def never_chosen(self, step: SwitchStep) -> list[Step]:
        """The cases that are false, or that stand after one that is always true or has the same condition."""
        never: list[Step] = []
        seen: set[str] = set()
        decided = False
        for case in step.switch.cases:
            if decided or self.is_false(case.when) or case.when in seen:
                never.append(case.step)
            decided = decided or self.is_true(case.when)
            seen.add(case.when)
        return [*never, step.switch.otherwise] if decided and step.switch.otherwise else never

    def _worked_out(self, expression: str) -> Constant | None:
        try:
            return None if names_in(expression) else Constant(evaluate(expression, {}, self._work))
        except ProblemError as error:
            # One that cannot be read is told where it stands; one that is too much work is not known.
            is_known = self._work.left >= 0 and self._is_read(expression)
            return Constant(failure=error.problem.message) if is_known else None

    def _is_read(self, expression: str) -> bool:
        try:
            names_in(expression)
        except ProblemError:
            return False
        return True
