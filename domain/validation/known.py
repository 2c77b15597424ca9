"""The definitions there are beside the one that is checked, as far as it names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.agents import Agent
from domain.base import split_reference
from domain.tools import Tool
from domain.wording import did_you_mean
from domain.workflows import Workflow, agents_used, tools_used, workflows_used

MOST_DEPTH = 10
"""Workflows inside workflows, the outermost counted."""
_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Known:
    """By reference as written, for the checked workflow and those inside it; None: it is there, with mistakes.

    The names are all there are of a kind, or those among which the nearest word is looked for.
    """

    agents: Mapping[str, Agent | None] = field(default_factory=dict)
    tools: Mapping[str, Tool | None] = field(default_factory=dict)
    workflows: Mapping[str, Workflow | None] = field(default_factory=dict)
    agent_names: frozenset[str] = _NOBODY
    tool_names: frozenset[str] = _NOBODY
    workflow_names: frozenset[str] = _NOBODY

    def no_agent(self, reference: str) -> str | None:
        """What is wrong with the reference, if anything."""
        return absent("agent", reference, self.agents, self.agent_names)

    def no_tool(self, reference: str) -> str | None:
        return absent("tool", reference, self.tools, self.tool_names)

    def no_workflow(self, reference: str) -> str | None:
        return absent("workflow", reference, self.workflows, self.workflow_names)


def absent(kind: str, reference: str, known: Mapping[str, Any], names: frozenset[str]) -> str | None:
    """Why a reference leads nowhere; None when it does not."""
    if reference in known:
        return None
    name, version = split_reference(reference)
    if version is not None and (name in names or name in known):
        return f"the {kind} `{name}` has no version {version}"
    return f"there is no {kind} `{name}`{did_you_mean(name, names | {split_reference(one)[0] for one in known})}"


def endless(name: str, reference: str, known: Known) -> str | None:
    """What makes a workflow `name` that uses this one run without end, or nest too deep; None when nothing does."""
    path, heights = [name], dict[str, int]()

    def height(reference: str) -> int:
        """Raises `ValueError` when it leads back to itself."""
        if reference in path:
            raise ValueError(" → ".join([*path[path.index(reference) :], reference]))
        if reference not in heights:
            path.append(reference)
            definition = known.workflows.get(reference)
            heights[reference] = 1 + max(map(height, workflows_used(definition) if definition else ()), default=0)
            path.pop()
        return heights[reference]

    try:
        too_deep = 1 + height(reference) > MOST_DEPTH
    except ValueError as circle:
        return f"it leads back to itself ({circle}), without end"
    return f"workflows are nested more than {MOST_DEPTH} deep in it" if too_deep else None


def incomplete(reference: str, known: Known) -> str | None:
    """What a workflow that this one uses, or one inside that, names and is not there any more."""
    seen = {reference}
    waiting = [reference]
    for one in waiting:
        definition = known.workflows.get(one)
        if definition is None:
            continue
        missing = [known.no_agent(name) for name in agents_used(definition)]
        missing += [known.no_tool(name) for name in tools_used(definition)]
        missing += [known.no_workflow(name) for name in workflows_used(definition)]
        if wrong := next((complaint for complaint in missing if complaint), None):
            return f"in `{one}`, {wrong}"
        fresh = [name for name in workflows_used(definition) if name not in seen]
        seen.update(fresh)
        waiting += fresh
    return None
