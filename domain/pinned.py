"""What a plan says of one step: its own definition, and that of the agent or tool behind it."""

from __future__ import annotations

import re
from typing import Any

from domain.plans import Plan
from domain.steps import LoopStep, MapStep, Step, ToolStep, WorkflowStep
from domain.values import Json, content_hash

_INDEX = re.compile(r"\[\d+\]")
_INSIDE: Any = {
    "sequential": True,
    "concurrent": {"branches"},
    "map": {"step"},
    "loop": {"steps"},
    "switch": {"cases": {"__all__": {"step"}}, "otherwise": True},
}
"""Where a step's definition holds steps, which have definitions of their own."""


class Pinned:
    """Looks up the definitions of a plan by the paths of a log."""

    def __init__(self, plan: Plan) -> None:
        self.definitions: dict[str, Json] = plan.model_dump(mode="json")
        self._plan = plan
        self._hashes: dict[tuple[str, str | None], str | None] = {}

    def hash_of(self, path: str, agent: str | None) -> str | None:
        """A hash that differs where what the plan says of the step does; None when it says nothing.

        `agent`: who spoke there, which for a turn of a chat is all that there is to say.
        """
        key = (_INDEX.sub("[]", path), agent)
        if key not in self._hashes:
            said = self._said(step_at(self._plan, path), agent)
            self._hashes[key] = content_hash(said) if any(said) else None
        return self._hashes[key]

    def _said(self, step: Step | None, agent: str | None) -> list[Json]:
        own = None if step is None else step.model_dump(mode="json", exclude=_INSIDE)
        tool = step.tool if isinstance(step, ToolStep) else None
        return [own, self._named("agents", agent), self._named("tools", tool), self._named("prompts", agent)]

    def _named(self, kind: str, reference: str | None) -> Json:
        return self.definitions.get(kind, {}).get(reference) if reference else None


def step_at(plan: Plan, path: str) -> Step | None:
    """The step that a path of a log is of; None for a turn of a chat, or a round of a loop, and for what is unknown."""
    steps: tuple[Step, ...] = plan.workflow.steps
    found: Step | None = None
    for segment in path.split("/"):
        name, *items = _INDEX.sub("[]", segment).split("[")
        if isinstance(found, LoopStep) and name == "round":
            steps = found.loop.steps
            found = None
            continue
        found = next((step for step in steps if step.id == name), None)
        for _ in items:
            found = found.map.step if isinstance(found, MapStep) else None
        if found is None:
            return None
        steps = _inside(plan, found)
    return found


def _inside(plan: Plan, step: Step) -> tuple[Step, ...]:
    if isinstance(step, WorkflowStep):
        return plan.workflows[step.workflow].steps if step.workflow in plan.workflows else ()
    return step.children()
