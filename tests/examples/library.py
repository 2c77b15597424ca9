"""The definitions in examples/, by kind and name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from domain.agents import Agent
from domain.base import Shape, split_reference
from domain.tools import Tool
from domain.workflows import Workflow, agents_used, tools_used, workflows_used
from meta_agents.cli.documents import parse
from tests.examples.cases import SUFFIX

EXAMPLES = Path(__file__).parents[2] / "examples"
STEPS = EXAMPLES / "steps"
S = TypeVar("S", bound=Shape)


@dataclass(frozen=True)
class Library:
    agents: Mapping[str, Agent]
    tools: Mapping[str, Tool]
    workflows: Mapping[str, Workflow]

    def workflows_of(self, workflow: Workflow) -> dict[str, Workflow]:
        """Those it names, and those they name, by reference. Raises `KeyError`."""
        found: dict[str, Workflow] = {}
        for reference in workflows_used(workflow):
            found[reference] = self.workflows[split_reference(reference)[0]]
            found |= self.workflows_of(found[reference])
        return found

    def tools_of(self, *workflows: Workflow) -> dict[str, Tool]:
        """Those they name, by reference. Raises `KeyError`."""
        named = [reference for workflow in workflows for reference in tools_used(workflow)]
        return {reference: self.tools[split_reference(reference)[0]] for reference in named}

    def agents_of(self, *workflows: Workflow) -> dict[str, Agent]:
        """Those they name, by name. Raises `KeyError`."""
        named = [split_reference(reference)[0] for workflow in workflows for reference in agents_used(workflow)]
        return {name: self.agents[name] for name in named}


@cache
def library() -> Library:
    workflows = {**_definitions("workflows", Workflow), **_definitions("steps", Workflow)}
    return Library(_definitions("agents", Agent), _definitions("tools", Tool), workflows)


def _definitions(folder: str, shape: type[S]) -> dict[str, S]:
    """Raises `ValueError` for a name that is there twice."""
    found: dict[str, S] = {}
    for name, definition in _read(EXAMPLES / folder):
        if name in found:
            raise ValueError(f"examples/{folder} has {name!r} twice")
        found[name] = shape.model_validate(definition)
    return found


def _read(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*.yaml")):
        if not path.name.endswith(SUFFIX):
            [document] = parse(path.read_text("utf-8"), path)
            definition = document.content
            yield definition["name"], definition
