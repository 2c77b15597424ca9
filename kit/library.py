"""The definitions that a test's workflow may use, from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from domain.agents import Agent
from domain.base import Shape
from domain.tools import Tool
from domain.validation import Known
from domain.validation.shapes import details_of
from domain.workflows import Workflow
from kit.bench import TENANT
from kit.cases import BadCases
from meta_agents.cli.checking import Definition, definitions_of
from meta_agents.cli.documents import Document
from meta_agents.cli.exits import BadInput
from services.wiring import Services

S = TypeVar("S", bound=Shape)


@dataclass(frozen=True)
class Library:
    """By name."""

    agents: Mapping[str, Agent]
    tools: Mapping[str, Tool]
    workflows: Mapping[str, Workflow]

    @property
    def known(self) -> Known:
        """What workflows are checked against."""
        return Known(
            agents=self.agents,
            tools=self.tools,
            workflows=self.workflows,
            agent_names=frozenset(self.agents),
            tool_names=frozenset(self.tools),
            workflow_names=frozenset(self.workflows),
        )

    async def stock(self, services: Services) -> None:
        """Keep them all, as their first versions."""
        for agent in self.agents.values():
            await services.agents.create(TENANT, agent)
        for tool in self.tools.values():
            await services.tool_definitions.create(TENANT, tool)
        for workflow in self.workflows.values():
            await services.workflows.create(TENANT, workflow)


def library_of(documents: Iterable[Document]) -> Library:
    """The definitions in these. Raises `BadCases` for mistakes in them, each with its place."""
    try:
        found = definitions_of(documents)
    except BadInput as error:
        raise BadCases("\n".join(error.places) or str(error)) from error
    return Library(_read(found, "agents", Agent), _read(found, "tools", Tool), _read(found, "workflows", Workflow))


def _read(definitions: list[Definition], kind: str, shape: type[S]) -> dict[str, S]:
    return {one.name: _shaped(one, shape) for one in definitions if one.kind == kind}


def _shaped(definition: Definition, shape: type[S]) -> S:
    document = definition.document
    written: Any = document.content
    try:
        return shape.model_validate(written)
    except ValidationError as error:
        details = details_of(error, shape, written)
        raise BadCases("\n".join(f"{document.place(one.pointer)}: {one.message}" for one in details)) from error
