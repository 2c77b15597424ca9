"""The definitions that a test's workflow may use, from files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from domain.agents import Agent
from domain.base import NAME_PATTERN, Shape
from domain.prompt_definitions import PromptDefinition, references_of, split_prompt_reference
from domain.tools import Tool
from domain.validation import Known
from domain.validation.shapes import details_of
from domain.workflows import Workflow, texts_in
from kit.bench import TENANT
from kit.cases import BadCases
from meta_agents.cli.checking import Definition, definitions_of
from meta_agents.cli.documents import Document
from meta_agents.cli.exits import BadInput
from services.definitions import Definitions
from services.wiring import Services

S = TypeVar("S", bound=Shape)
D = TypeVar("D", Agent, Tool, Workflow, PromptDefinition)

MOST_VERSIONS = 100
_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True)
class Library:
    """By name."""

    agents: Mapping[str, Agent]
    tools: Mapping[str, Tool]
    workflows: Mapping[str, Workflow]
    prompts: Mapping[str, PromptDefinition] = field(default_factory=dict)

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
        """Keep them all, in as many versions as are named of each: every one is as its file has it."""
        named = self._versions()
        for prompt in self.prompts.values():
            await _keep(services.prompts, prompt, named)
        for agent in self.agents.values():
            await _keep(services.agents, agent, named)
        for tool in self.tools.values():
            await _keep(services.tool_definitions, tool, named)
        for workflow in self.workflows.values():
            await _keep(services.workflows, workflow, named)
        for name, label in self._labels():
            await services.labels.move(TENANT, name, label, named.get(name, 1), "test")

    def _versions(self) -> dict[str, int]:
        """The highest version that is named of each, by name. Raises `BadCases`."""
        found: dict[str, int] = {}
        for kind in (self.agents, self.tools, self.workflows):
            for text in texts_in([one.model_dump(mode="json") for one in kind.values()]):
                name, mark, version = text.partition("@")
                if mark and version.isdecimal() and _NAME.fullmatch(name):
                    found[name] = max(int(version), found.get(name, 1))
        if too_high := [f"{name}@{version}" for name, version in found.items() if version > MOST_VERSIONS]:
            raise BadCases(f"Tests can be played with versions up to {MOST_VERSIONS}, and not with {too_high[0]}.")
        return found

    def _labels(self) -> set[tuple[str, str]]:
        """Prompts by the labels under which agents name them."""
        references = [reference for agent in self.agents.values() for reference, _ in references_of(agent.prompt)]
        parts = [split_prompt_reference(reference) for reference in references]
        return {(one.name, one.label) for one in parts if one.label and one.name in self.prompts}


async def _keep(shelf: Definitions[D], definition: D, named: Mapping[str, int]) -> None:
    for left in range(named.get(definition.name, 1) - 1, -1, -1):
        # A version has to differ from the one before, in something that nobody sees.
        description = definition.description + " " * left
        await shelf.put(TENANT, definition.name, definition.model_copy(update={"description": description}))


def library_of(documents: Iterable[Document]) -> Library:
    """The definitions in these. Raises `BadCases` for mistakes in them, each with its place."""
    try:
        found = definitions_of(documents)
    except BadInput as error:
        raise BadCases("\n".join(error.places) or str(error)) from error
    return Library(
        agents=_read(found, "agents", Agent),
        tools=_read(found, "tools", Tool),
        workflows=_read(found, "workflows", Workflow),
        prompts=_read(found, "prompts", PromptDefinition),
    )


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
