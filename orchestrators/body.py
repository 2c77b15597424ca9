"""The steps of one workflow, whether an execution's own or one that a step names. Deterministic.

After about fifty durable actions it leaves off between two steps, so that its orchestrator continues as new with a
short history; what was done is carried over.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any

from domain import values
from domain.errors import ProblemError, platform_failed, timed_out
from domain.values import Json
from domain.workflows import Workflow
from orchestrators.loom import Strand
from orchestrators.run import Run, dumped
from orchestrators.scope import Outcome, Rules, Scope
from orchestrators.steps import LeftOff, RunStep, StepList

ACTIONS_PER_GENERATION = 50


class Body:
    """One generation. `payload`: `workflow`, `input` (a `Value`), and for one inside another `path` and `rules`."""

    def __init__(self, run: Run, payload: dict[str, Json], run_step: RunStep) -> None:
        self.run = run
        self.payload = payload
        self.run_step = run_step
        self.definition = Workflow.model_validate(payload["workflow"])
        self.path: str = payload.get("path", "")
        self.resume: dict[str, Json] = payload.get("resume", {"steps": {}})
        self.scope = self._scope()
        self.deadline = self._deadline()

    def _scope(self) -> Scope:
        about = {"id": self.run.execution, "workflow": self.definition.name}
        names = {"input": self.payload["input"], "execution": values.inline(about)}
        rules = Rules.model_validate(self.payload.get("rules", {})).of_workflow(self.definition, self.path)
        rules = rules if rules.trace else rules.model_copy(update={"trace": self.run.trace})
        return Scope(names, dict(self.resume["steps"]), rules)

    def _deadline(self) -> datetime | None:
        limit = self.definition.limits.duration
        if limit is None:
            return None
        begun = self.resume.get("begun")
        return (datetime.fromisoformat(begun) if begun else self.run.now) + limit

    def outcome(self) -> Generator[Any, Any, Outcome | None]:
        """That of the steps, once all has ended that they began; None: continue as new with `resumed`."""
        working = self._worked()
        if self.deadline is None:
            outcome = yield from working
        else:
            outcome = yield from self._in_time(working, self.deadline)
        yield from self._settled()
        return outcome

    def with_output(self) -> Generator[Any, Any, Outcome | None]:
        """As `outcome`, its value the workflow's `output`, if it has one."""
        outcome = yield from self.outcome()
        if outcome is None or outcome.error is not None or self.definition.output is None:
            return outcome
        try:
            value = yield from self.run.render(self.definition.output, self.scope, self.path, about="output")
        except ProblemError as error:
            return Outcome.failed(error.problem)
        return outcome.model_copy(update={"value": value})

    def resumed(self) -> dict[str, Json]:
        """The input of the next generation."""
        events = [dumped(event) for event in self.run.take_events()]
        resume: dict[str, Json] = {"steps": self.scope.steps, "events": events}
        if self.deadline and self.definition.limits.duration:
            resume["begun"] = (self.deadline - self.definition.limits.duration).isoformat()
        # A child finds them where its parent gave it some, which have been logged or are among these.
        given: dict[str, Json] = {"events": events} if "events" in self.payload else {}
        return {**self.payload, **given, "resume": resume, **self.run.known()}

    def _worked(self) -> Generator[Any, Any, Outcome | None]:
        prefix = f"{self.path}/" if self.path else ""
        steps = StepList(self.run, self.definition.steps, prefix, self.scope, self.run_step, self._is_long)
        try:
            return (yield from steps.outcome())
        except LeftOff:
            return None
        except Exception as error:  # a fault of ours must still end the execution, with what is known of it
            return Outcome.failed(platform_failed(f"`{self.definition.name}` broke the interpreter: {error!r}"))

    def _is_long(self) -> bool:
        return self.run.actions >= ACTIONS_PER_GENERATION and not self.run.loom.others()

    def _in_time(
        self, working: Generator[Any, Any, Outcome | None], deadline: datetime
    ) -> Generator[Any, Any, Outcome | None]:
        strand = self.run.loom.spawn(working)
        if (yield from self.run.before(deadline, strand)):
            outcome: Outcome | None = strand.result()
            return outcome
        prefix = f"{self.path}/" if self.path else ""
        paths = {f"{prefix}{step.id}": strand for step in self.definition.steps if step.id not in self.scope.steps}
        yield from self._cut(paths)
        limit = self.definition.limits.duration
        return Outcome.failed(timed_out(f"`{self.definition.name}` took longer than its `limits.duration` of {limit}."))

    def _settled(self) -> Generator[Any, Any, None]:
        """Wait for what is still under way: what was canceled, and until the deadline what was left to run."""
        if self.deadline is not None and (others := self.run.loom.others()):
            while others and (yield from self.run.before(self.deadline, *others)):
                others = self.run.loom.others()
            if others:
                yield from self._cut({})
        yield from self.run.settle()

    def _cut(self, paths: dict[str, Strand]) -> Generator[Any, Any, None]:
        """Cancel these, and whatever joins have left to run."""
        limit = self.definition.limits.duration
        yield from self.run.cancel({**self.run.left, **paths}, f"the workflow's `limits.duration` of {limit} is over")
