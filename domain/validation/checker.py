"""What the checks of all kinds of steps share: what there is, what was found, and texts looked at where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.chat_rules import View
from domain.errors import ProblemError
from domain.expressions import check, checked_placeholders, steps_in
from domain.validation.constants import Constant, Constants
from domain.validation.findings import Enough, Notes, Parts
from domain.validation.known import Known, endless, incomplete
from domain.validation.order import Order
from domain.validation.places import Around, Here, ancestors, why_not
from domain.validation.schemas import MOST_PARTS, check_schema
from domain.values import Json
from domain.wording import did_you_mean
from domain.work import Work
from domain.workflows import Workflow

MAX_EXPRESSIONS = 2_000
"""Of one workflow."""
MAX_SOURCE = 60_000
"""Characters of all its expressions together: so many are read in less than a second."""


class Checker:
    """One check of one workflow. `known`: None leaves alone what it names."""

    def __init__(self, workflow: Workflow, known: Known | None, notes: Notes) -> None:
        self.workflow = workflow
        self.known = known
        self.notes = notes
        self.orders: dict[str, Order] = {}
        self.constants = Constants()
        self._around: dict[str, Around] = dict(ancestors(workflow.steps))
        self._never: dict[str, str] | None = None
        self._parts = Work(MOST_PARTS)
        self._expressions = 0
        self._source = 0
        self._others: dict[str, str | None] = {}

    @property
    def around(self) -> dict[str, Around]:
        """Each step's id, with the steps around it."""
        return self._around

    def expression(self, source: str, at: Parts, here: Here) -> Constant | None:
        """Check it; its value, if that is known already."""
        if source.strip().startswith("${"):
            self.notes.error(at, "this is an expression already: write it without `${` and `}`")
            return None
        self._count([source], at)
        try:
            check(source, here.names)
        except ProblemError as error:
            self.notes.error(at, error.problem.message + self._hyphen_hint(source))
            return None
        self._steps_named(source, at, here)
        found = self.constants.of(source)
        if found is not None and found.failure is not None:
            self.notes.error(at, f"{found.failure} It always will.")
            return None
        return found

    def condition(self, source: str, at: Parts, here: Here) -> None:
        found = self.expression(source, at, here)
        if found is not None and not isinstance(found.value, bool):
            self.notes.error(at, "a condition must be true or false, and this is neither; compare it with something")

    def template(self, source: str, at: Parts, here: Here) -> None:
        if "${" not in source:
            return
        try:
            expressions = checked_placeholders(source)
            self._count(expressions, at)
            for expression in expressions:
                check(expression, here.names)
        except ProblemError as error:
            self.notes.error(at, error.problem.message + self._hyphen_hint(source))
        else:
            self._steps_named(source, at, here)

    def templates(self, value: Json, at: Parts, here: Here) -> None:
        """Every text in it."""
        if isinstance(value, str):
            self.template(value, at, here)
        for key, child in _children(value):
            self.templates(child, (*at, key), here)

    def schema(self, schema: dict[str, Any] | None, at: Parts) -> None:
        for parts, message in check_schema(schema, self._parts) if schema is not None else ():
            self.notes.error((*at, *parts), message)

    def agent(self, reference: str, at: Parts) -> None:
        if self.known and (wrong := self.known.no_agent(reference)):
            self.notes.error(at, wrong)

    def tool(self, reference: str, at: Parts) -> None:
        if self.known and (wrong := self.known.no_tool(reference)):
            self.notes.error(at, wrong)

    def other(self, reference: str, at: Parts) -> None:
        """A workflow that this one names."""
        if self.known is None:
            return
        itself = reference == self.workflow.name
        if not itself and (wrong := self.known.no_workflow(reference)):
            self.notes.error(at, wrong)
        elif wrong := self._unusable(reference, self.known):
            self.notes.error(at, f"`{reference}` cannot be used here: {wrong}")

    def _unusable(self, reference: str, known: Known) -> str | None:
        if reference not in self._others:
            found = endless(self.workflow.name, reference, known) or incomplete(reference, known)
            self._others[reference] = found
        return self._others[reference]

    def view(self, view: View, at: Parts, turns: int | None) -> None:
        if view.summary is None:
            return
        self.agent(view.summary, (*at, "summary"))
        if turns is not None and turns <= view.last:
            self.notes.warning(
                (*at, "summary"), f"nothing is ever summed up: all of the at most {turns} turns are in view"
            )

    def _count(self, expressions: list[str], at: Parts) -> None:
        self._expressions += len(expressions)
        self._source += sum(map(len, expressions))
        if self._expressions > MAX_EXPRESSIONS or self._source > MAX_SOURCE:
            most = f"{MAX_EXPRESSIONS} expressions of {MAX_SOURCE} characters together"
            self.notes.error(at, f"a workflow has at most {most}; from here on there are more")
            raise Enough

    def _hyphen_hint(self, source: str) -> str:
        """CEL reads `steps.sign-off` as a subtraction."""
        hyphenated = next((step for step in self._around if "-" in step and f"steps.{step}" in source), None)
        return f' Write `steps["{hyphenated}"]`.' if hyphenated else ""

    def _steps_named(self, source: str, at: Parts, here: Here) -> None:
        for name in sorted(steps_in(source)):
            if name not in self._around:
                self.notes.error(at, f"there is no step `{name}`{did_you_mean(name, self._around)}")
            elif name not in here.done:
                why = why_not(name, self._around[name], here, self.orders)
                self.notes.error(at, f"`steps.{name}` cannot be used here: {why}")
            elif name in self._never_run():
                self.notes.warning(at, f"the output of `{name}` is always null: {self._never_run()[name]}")

    def _never_run(self) -> dict[str, str]:
        if self._never is None:
            self._never = self.constants.never_run(self.workflow.steps)
        return self._never


def _children(value: Json) -> Iterator[tuple[str | int, Json]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
