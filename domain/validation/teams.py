"""Agents with tools, as a workflow comes to use them: whether all that they name is there, and comes to an end."""

from __future__ import annotations

from collections.abc import Iterator

from domain.base import Definition
from domain.uses import Use, uses
from domain.validation.known import MOST_DEPTH, Known
from domain.workflows import Workflow


def check_team(workflow: Workflow, known: Known) -> Iterator[str]:
    """What is wrong with the tools of agents, and with what is behind tools."""
    for reference, agent in known.agents.items():
        for tool in agent.tools if agent else ():
            if wrong := known.no_tool(tool):
                yield f"the agent `{reference}` cannot be used: {wrong}"
    for reference, definition in known.tools.items():
        for use in uses(definition):
            missing = known.no_agent if use.kind == "agents" else known.no_workflow
            if wrong := missing(use.reference):
                yield f"the tool `{reference}` cannot be used: {wrong}"
    # Without these, it is workflows alone that may lead back to themselves, and their steps that are told so.
    if any(uses(tool) for tool in known.tools.values()) and (circle := _circle(workflow, known)):
        yield circle


def _circle(workflow: Workflow, known: Known) -> str | None:
    """What makes it call itself without end by way of tools, or call too deep."""
    around = [Use("workflows", workflow.name)]
    heights: dict[Use, int] = {}

    def height(definition: Definition | None) -> int:
        """Raises `ValueError` when it leads back to itself."""
        return max(map(under, uses(definition)), default=0)

    def under(use: Use) -> int:
        if use in around:
            raise ValueError(" → ".join(one.reference for one in (*around, use)))
        if use not in heights:
            around.append(use)
            heights[use] = (use.kind != "tools") + height(_named(use, known))
            around.pop()
        return heights[use]

    try:
        too_deep = height(workflow) > MOST_DEPTH
    except ValueError as circle:
        return f"its tools lead back to where they are called ({circle}), without end"
    return f"agents and workflows call each other more than {MOST_DEPTH} deep in it" if too_deep else None


def _named(use: Use, known: Known) -> Definition | None:
    match use.kind:
        case "agents":
            return known.agents.get(use.reference)
        case "tools":
            return known.tools.get(use.reference)
        case _:
            return known.workflows.get(use.reference)
