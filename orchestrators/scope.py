"""What a step finds where it stands: the names and finished steps that expressions see, and the rules it inherits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import Field

from domain import values
from domain.base import Shape
from domain.calls import Cap
from domain.errors import Problem, canceled
from domain.executions import StopReason
from domain.expressions import steps_used
from domain.policies import Defaults, Limits, Retry
from domain.steps import BaseStep
from domain.tracing import Trace
from domain.usage import Usage
from domain.values import Json, Value
from domain.workflows import Workflow

Steps = dict[str, Value]
"""What expressions see as `steps`: id to `{output, status, stop_reason?}`."""


class Outcome(Shape):
    """How a step ended. `value` is always there: null unless it succeeded."""

    status: Literal["succeeded", "failed", "skipped", "canceled"] = "succeeded"
    value: Value = Field(default_factory=lambda: values.inline(None))
    error: Problem | None = None
    stop_reason: StopReason | None = None
    evidence: str = ""
    preview: str = ""
    usage: Usage = Usage()

    @staticmethod
    def failed(error: Problem) -> Outcome:
        return Outcome(status="failed", error=error)

    @staticmethod
    def canceled() -> Outcome:
        return Outcome(status="canceled", error=canceled())

    def as_value(self) -> Value:
        """The step's entry under `steps` in expressions."""
        entry = {"output": self.value, "status": values.inline(self.status)}
        if self.stop_reason:
            entry["stop_reason"] = values.inline(self.stop_reason.value)
        return {"o": entry}


class Rules(Shape):
    """What the steps around one hand down to it: defaults, the retry policy of its calls, the budgets it is under."""

    defaults: Defaults = Field(default_factory=Defaults)
    retry: Retry = Field(default_factory=Retry)
    caps: tuple[Cap, ...] = ()
    trace: Trace | None = Field(default=None, description="The span around; None: nobody follows it.")

    def within(self, step: BaseStep, path: str, span: str | None = None) -> Rules:
        """The rules for what is inside the step, whose `span` is known by this id."""
        caps = (*self.caps, Cap(path=path, budget=step.budget)) if step.budget else self.caps
        trace = self.trace.within(span) if self.trace and span else self.trace
        return Rules(defaults=self.defaults, retry=step.retry or self.retry, caps=caps, trace=trace)

    def of_workflow(self, workflow: Workflow, path: str) -> Rules:
        """The rules for the steps of a workflow that is begun at `path` (the empty one: by the execution itself)."""
        budget = Limits(**workflow.limits.model_dump(exclude={"duration"}))
        caps = (*self.caps, Cap(path=path, budget=budget)) if not budget.is_empty else self.caps
        defaults = workflow.defaults
        return Rules(defaults=defaults, retry=defaults.retry or self.retry, caps=caps, trace=self.trace)


@dataclass(frozen=True)
class Scope:
    """What expressions see at one place: `names` (input, execution, item, index, chat, round), and the steps done.

    `rules` come from the steps around.
    """

    names: Mapping[str, Value]
    steps: Steps
    rules: Rules = field(default_factory=Rules)

    def extended(self, **names: Value) -> Scope:
        """A scope of its own for a body or a condition: what it records is not seen outside."""
        return Scope({**self.names, **names}, dict(self.steps), self.rules)

    def under(self, rules: Rules) -> Scope:
        """The same place, the same record of steps, other rules."""
        return replace(self, rules=rules)

    def used_by(self, *sources: str) -> dict[str, Value]:
        """Only what the expressions and templates mention, so that what travels stays small."""
        used = [steps_used(source) for source in sources]
        wanted = self.steps.keys() if None in used else set[str]().union(*(ids for ids in used if ids))
        steps = {step: entry for step, entry in self.steps.items() if step in wanted}
        names = {name: value for name, value in self.names.items() if any(name in source for source in sources)}
        return {**names, "steps": {"o": steps}}

    def for_child(self, sources: Iterable[str]) -> dict[str, Json]:
        """What a sub-orchestration that uses these sources needs of it; `of_child` is the other end."""
        rules = self.rules.model_dump(mode="json", exclude_defaults=True)
        return {"scope": self.used_by(*sources), **({"rules": rules} if rules else {})}

    @staticmethod
    def of_child(payload: Mapping[str, Any]) -> Scope:
        used: dict[str, Value] = payload["scope"]
        names = {name: value for name, value in used.items() if name != "steps"}
        return Scope(names, dict(used["steps"]["o"]), Rules.model_validate(payload.get("rules", {})))
