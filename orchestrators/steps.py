"""A list of steps: in the order written, or as their `needs` say, each begun the moment what it needs has ended.

Deterministic. Used wherever steps stand in a list: a workflow, `sequential`, the rounds of a `loop`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain import values
from domain.steps import Step
from orchestrators.loom import FirstOf, Strand
from orchestrators.run import Run
from orchestrators.scope import Outcome, Scope

RunStep = Callable[[Run, Step, str, Scope], Generator[Any, Any, Outcome]]


class LeftOff(Exception):
    """The list was left between two steps, as was asked for; `scope.steps` says which are done."""


@dataclass(frozen=True)
class StepList:
    """Steps at one place. `prefix` begins their paths; those that `scope` has already are not run again.

    `leave_off` is asked when nothing of the list is under way: whether to go on another time.
    """

    run: Run
    steps: Sequence[Step]
    prefix: str
    scope: Scope
    run_step: RunStep
    leave_off: Callable[[], bool] = lambda: False
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def outcome(self) -> Generator[Any, Any, Outcome]:
        """That of the first that failed, or of the last one written. Raises `LeftOff`.

        After a failure nothing more is begun; what is under way comes to its end. A list whose last step was skipped
        has not been skipped itself.
        """
        yield from self._in_order() if all(step.needs is None for step in self.steps) else self._as_needed()
        failed = next((outcome for outcome in self.outcomes.values() if outcome.error is not None), None)
        last = failed or self.outcomes.get(self.steps[-1].id) or self._recorded(self.steps[-1].id)
        return last.model_copy(update={"status": "succeeded"}) if last.status == "skipped" else last

    def _in_order(self) -> Generator[Any, Any, None]:
        for step in self.steps:
            if step.id in self.scope.steps:
                continue
            if self.leave_off():
                raise LeftOff
            outcome = self.outcomes[step.id] = yield from self._begun(step)
            if outcome.error is not None:
                return

    def _as_needed(self) -> Generator[Any, Any, None]:
        needs = needs_of(self.steps)
        left = [step for step in self.steps if step.id not in self.scope.steps]
        running: dict[str, Strand] = {}
        failed = False
        while True:
            ready = [] if failed else [step for step in left if all(id in self.scope.steps for id in needs[step.id])]
            if ready and not running and self.leave_off():
                raise LeftOff
            if len(ready) + len(running) > 1:
                self.run.part()
            for step in ready:
                left.remove(step)
                running[step.id] = self.run.loom.spawn(self._begun(step))
            if not running:
                return
            yield FirstOf(*running.values())
            for id in [id for id, strand in running.items() if strand.is_completed]:
                self.outcomes[id] = running.pop(id).result()
                failed = failed or self.outcomes[id].error is not None

    def _begun(self, step: Step) -> Generator[Any, Any, Outcome]:
        return self.run_step(self.run, step, f"{self.prefix}{step.id}", self.scope)

    def _recorded(self, id: str) -> Outcome:
        """The outcome of a step that was done before this list was gone on with."""
        if id not in self.scope.steps:
            return Outcome()
        entry = self.scope.steps[id]["o"]
        reason = entry.get("stop_reason", values.inline(None))["v"]
        return Outcome(status=entry["status"]["v"], value=entry["output"], stop_reason=reason)


def needs_of(steps: Sequence[Step]) -> dict[str, tuple[str, ...]]:
    """What each step needs: what it says, or the one written before it."""
    before: tuple[str, ...] = ()
    needs: dict[str, tuple[str, ...]] = {}
    for step in steps:
        needs[step.id] = before if step.needs is None else step.needs
        before = (step.id,)
    return needs
