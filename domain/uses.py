"""What a definition names: the edges of the graph of agents, tools and workflows."""

from __future__ import annotations

from typing import Literal, NamedTuple

from domain.agents import Agent
from domain.base import Definition
from domain.tools import Tool
from domain.workflows import Workflow, agents_used, tools_used, workflows_used

Kind = Literal["agents", "tools", "workflows"]


class Use(NamedTuple):
    """One definition names another, by the reference as written."""

    kind: Kind
    reference: str


def uses(definition: Definition | None) -> list[Use]:
    """What it names itself, in the order written, once each; nothing of one that has mistakes (None)."""
    match definition:
        case Agent():
            found = [Use("tools", reference) for reference in definition.tools]
        case Tool():
            found = [Use("agents", definition.agent)] if definition.agent else []
            found += [Use("workflows", definition.workflow)] if definition.workflow else []
        case Workflow():
            found = [Use("agents", reference) for reference in agents_used(definition)]
            found += [Use("tools", reference) for reference in tools_used(definition)]
            found += [Use("workflows", reference) for reference in workflows_used(definition)]
        case _:
            found = []
    return list(dict.fromkeys(found))
