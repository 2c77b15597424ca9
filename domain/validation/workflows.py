"""Static checks of a workflow: everything that can be known to fail, or never to count, before it runs."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from domain.steps import Step
from domain.validation.checker import Checker
from domain.validation.findings import Enough, Findings, Notes, Parts
from domain.validation.kinds import Kinds
from domain.validation.known import Known
from domain.validation.places import Here
from domain.validation.teams import check_team
from domain.validation.timing import check_limits, check_on_error, check_retry, own_time
from domain.values import Json
from domain.workflows import Workflow, walk

MAX_DEPTH = 10
"""Steps inside steps, the outermost counted."""
MAX_STEPS = 500


def check_workflow(workflow: Workflow, known: Known | None = None, written: Json = None) -> Findings:
    """Every mistake that can be found without running it, and what looks like one.

    `known`: the definitions that it names; None leaves these alone. `written`: the JSON the workflow was read from, so
    that pointers lead into that.
    """
    notes = Notes(written)
    number = sum(1 for _ in walk(workflow.steps))
    if number > MAX_STEPS:
        notes.error(("steps",), f"there are {number} steps; a workflow has at most {MAX_STEPS}")
        return notes.findings()
    with suppress(Enough):
        _Checks(workflow, known, notes).run()
    return notes.findings()


class _Checks:
    def __init__(self, workflow: Workflow, known: Known | None, notes: Notes) -> None:
        self._workflow = workflow
        self._known = known
        self._notes = notes
        self._checker = Checker(workflow, known, notes)
        self._kinds = Kinds(self._checker, self._step)
        self._count = Counter(step.id for step in walk(workflow.steps))

    def run(self) -> None:
        workflow = self._workflow
        self._checker.schema(workflow.input, ("input",))
        if workflow.defaults.retry:
            check_retry(workflow.defaults.retry, ("defaults", "retry"), self._notes)
        check_on_error(workflow.defaults.on_error, ("defaults", "on_error"), self._notes)
        top = Here(time=workflow.limits.duration, budgets=(workflow.limits,))
        self._kinds.list(workflow.steps, "", ("steps",), top)
        if workflow.output is not None:
            self._checker.template(workflow.output, ("output",), top.after(workflow.steps))
        for wrong in check_team(workflow, self._known) if self._known else ():
            self._notes.error(("steps",), wrong)

    def _step(self, step: Step, at: Parts, here: Here) -> None:
        if len(here.around) >= MAX_DEPTH:
            self._notes.error(at, f"steps are nested more than {MAX_DEPTH} deep")
            return
        if self._count[step.id] > 1:
            self._notes.error((*at, "id"), f"`{step.id}` is the id of {self._count[step.id]} steps; each needs its own")
        check_limits(step, at, here, self._notes)
        within = here.inside(step, own_time(step, self._workflow.defaults))
        if step.when is not None:
            self._checker.condition(step.when, (*at, "when"), within)
            if self._checker.constants.is_false(step.when):
                self._notes.warning((*at, "when"), "this is never true, so the step is always skipped")
        self._kinds.check(step, at, within)
