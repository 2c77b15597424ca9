"""The definitions that a workflow names, and those that these name, looked up once and then held."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

from api.prompting import Prompted, PromptShelf, details_in
from domain.agents import Agent
from domain.base import Definition, split_reference
from domain.errors import Detail
from domain.plans import Plan
from domain.prompt_definitions import PromptDefinition
from domain.tools import Tool
from domain.uses import Kind, Use, uses
from domain.validation import Findings, Known, Most, check_workflow, estimate
from domain.validation.known import absent
from domain.values import Json
from domain.workflows import Workflow
from services.definitions import Definitions, Stored
from services.wiring import Services

SUGGESTED = 200
"""Most names looked through for the one that was meant."""
MOST_WORKFLOWS = 100
"""Workflows that one uses, those inside others counted."""
MOST_MEMBERS = 1_000
"""Agents and tools that one uses, those behind tools counted."""

D = TypeVar("D", bound=Definition)
Asked = tuple[str, int | None]
"""A name and the version that is wanted of it; None: the latest."""


@dataclass(frozen=True)
class Found(Generic[D]):
    """A definition and its version; None: it is in the batch that is checked, and has mistakes."""

    definition: D | None
    version: int


@dataclass(frozen=True)
class Batch:
    """Definitions that are checked together, by name: they know each other before any of them is stored."""

    agents: Mapping[str, Agent | None] = field(default_factory=dict)
    tools: Mapping[str, Tool | None] = field(default_factory=dict)
    workflows: Mapping[str, Workflow | None] = field(default_factory=dict)
    prompts: Mapping[str, PromptDefinition | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Resolved:
    """A workflow as it was read, each definition it names as it was found, and what was found about it."""

    services: Services
    workflow: Workflow
    agents: Mapping[str, Found[Agent]]
    tools: Mapping[str, Found[Tool]]
    workflows: Mapping[str, Found[Workflow]]
    known: Known
    findings: Findings
    prompts: Mapping[str, Prompted]

    @property
    def details(self) -> tuple[Detail, ...]:
        """Its mistakes: with any, it is neither stored nor executed."""
        return self.findings.errors

    def plan(self, workflow_version: int | None, seed: str = "") -> Plan:
        """Everything the execution will use. Only for a workflow without mistakes.

        `seed`: what is chosen by weight is the same for the same one.
        """
        return Plan(
            workflow=self.workflow,
            workflow_version=workflow_version,
            agents=_definitions(self.agents),
            agent_versions=_versions(self.agents),
            tools=_definitions(self.tools),
            tool_versions=_versions(self.tools),
            workflows=_definitions(self.workflows),
            workflow_versions=_versions(self.workflows),
            prompts={agent: prompted.chosen(seed, agent) for agent, prompted in self.prompts.items()},
        )

    def estimate(self) -> Most:
        """The most that one execution uses. Only for a workflow without mistakes."""

        def price(alias: str) -> Decimal | None:
            known = self.services.models.price(alias)
            return known.prices.output if known else None

        return estimate(self.workflow, self.known, price)


async def resolve(
    services: Services,
    tenant: str,
    workflow: Workflow,
    written: Json = None,
    batch: Batch | None = None,
    pinned: Plan | None = None,
) -> Resolved:
    """Look up all that `workflow` names and check it. Pointers lead into `written`, if that is given.

    `pinned`: what a plan has pinned is found as it was, whatever has become of it since.
    """
    beside = batch or Batch()
    shelves = _Shelves(
        _Shelf(services.agents, tenant, beside.agents, _pins(pinned, "agents")),
        _Shelf(services.tool_definitions, tenant, beside.tools, _pins(pinned, "tools")),
        _Shelf(services.workflows, tenant, beside.workflows, _pins(pinned, "workflows")),
    )
    agents, tools, workflows = await shelves.reached_from(workflow)
    known = Known(
        agents={reference: found.definition for reference, found in agents.items()},
        tools={reference: found.definition for reference, found in tools.items()},
        workflows={reference: found.definition for reference, found in workflows.items()},
        agent_names=await shelves.agents.names(),
        tool_names=await shelves.tools.names(),
        workflow_names=await shelves.workflows.names(),
    )
    findings = check_workflow(workflow, known, written)
    shelf = PromptShelf(services, tenant, beside.prompts)
    kept = pinned.prompts if pinned else {}
    prompts = {
        name: await shelf.of(found.definition, kept=kept.get(name))
        for name, found in agents.items()
        if found.definition is not None and found.definition.prompt is not None
    }
    findings = findings._replace(errors=findings.errors + details_in(prompts))
    if len(workflows) > MOST_WORKFLOWS or len(agents) + len(tools) > MOST_MEMBERS:
        message = f"it uses more than {MOST_WORKFLOWS} workflows, or {MOST_MEMBERS} agents and tools, all counted"
        findings = findings._replace(errors=(Detail(pointer="/steps", message=message),))
    return Resolved(services, workflow, agents, tools, workflows, known, findings, prompts)


def _pins(plan: Plan | None, kind: Literal["agents", "tools", "workflows"]) -> dict[str, Any]:
    """What the plan has pinned of one kind, by reference."""
    if plan is None:
        return {}
    versions = {"agents": plan.agent_versions, "tools": plan.tool_versions, "workflows": plan.workflow_versions}[kind]
    return {reference: Found(one, versions[reference]) for reference, one in getattr(plan, kind).items()}


class _Shelf(Generic[D]):
    """The stored definitions of one kind, and those of a batch that will be the next versions of theirs."""

    def __init__(
        self,
        definitions: Definitions[D],
        tenant: str,
        batch: Mapping[str, D | None],
        pinned: Mapping[str, Found[D]],
    ) -> None:
        self._definitions: Definitions[D] = definitions
        self._tenant = tenant
        self._batch: Mapping[str, D | None] = batch
        self._pinned: Mapping[str, Found[D]] = pinned
        self._missing = False

    async def find(self, references: Iterable[str]) -> dict[str, Found[D]]:
        """Those that are there, by reference."""
        wanted = list(dict.fromkeys(references))
        read = await self._read([reference for reference in wanted if reference not in self._pinned])
        found = [self._find(reference, read) for reference in wanted]
        self._missing = self._missing or None in found
        return {reference: one for reference, one in zip(wanted, found, strict=True) if one is not None}

    async def names(self) -> frozenset[str]:
        """The names there are, when something that was looked for is not; else nobody asks for them."""
        if not self._missing:
            return frozenset()
        stored, _ = await self._definitions.list(self._tenant, SUGGESTED)
        return frozenset(self._batch) | {one.definition.name for one in stored}

    async def _read(self, references: Sequence[str]) -> dict[Asked, Stored[D] | None]:
        """What is stored of these, in one read; of those in the batch the latest too."""
        asked: list[Asked] = [split_reference(reference) for reference in references]
        asked += [(name, None) for name, version in asked if version is not None and name in self._batch]
        found = await self._definitions.get_many(self._tenant, asked)
        return dict(zip(asked, found, strict=True))

    def _find(self, reference: str, read: Mapping[Asked, Stored[D] | None]) -> Found[D] | None:
        pinned: Found[D] | None = self._pinned.get(reference)
        if pinned is not None:
            return pinned
        name, version = split_reference(reference)
        if name in self._batch:
            following = self._following(name, read[name, None])
            if version in (None, following):
                return Found(self._batch[name], following)
        stored = read[name, version]
        return Found(stored.definition, stored.version) if stored else None

    def _following(self, name: str, latest: Stored[D] | None) -> int:
        """The version that the batch's definition will have."""
        if latest is None:
            return 1
        return latest.version if latest.definition == self._batch[name] else latest.version + 1


@dataclass(frozen=True)
class _Shelves:
    agents: _Shelf[Agent]
    tools: _Shelf[Tool]
    workflows: _Shelf[Workflow]

    async def reached_from(
        self, workflow: Workflow
    ) -> tuple[dict[str, Found[Agent]], dict[str, Found[Tool]], dict[str, Found[Workflow]]]:
        """Everything that it comes to use, by reference; of each kind a few more than are allowed at most."""
        agents, tools, workflows = dict[str, Found[Agent]](), dict[str, Found[Tool]](), dict[str, Found[Workflow]]()
        seen = {Use("workflows", workflow.name)}
        wanted = uses(workflow)
        while fresh := [use for use in dict.fromkeys(wanted) if use not in seen]:
            if len(workflows) > MOST_WORKFLOWS or len(agents) + len(tools) > MOST_MEMBERS:
                break
            seen.update(fresh)
            new_agents, new_tools, new_workflows = await asyncio.gather(
                self.agents.find(_of_kind("agents", fresh)),
                self.tools.find(_of_kind("tools", fresh)),
                self.workflows.find(_of_kind("workflows", fresh)[: MOST_WORKFLOWS + 1]),
            )
            agents, tools, workflows = agents | new_agents, tools | new_tools, workflows | new_workflows
            found: list[Definition] = [*_definitions(new_agents).values(), *_definitions(new_tools).values()]
            found += _definitions(new_workflows).values()
            wanted = [use for one in found for use in uses(one)]
        return agents, tools, workflows


def _of_kind(kind: Kind, wanted: Iterable[Use]) -> list[str]:
    return [use.reference for use in wanted if use.kind == kind]


async def missing(services: Services, tenant: str, definition: Agent | Tool, batch: Batch | None = None) -> Findings:
    """Which of the tools that an agent names, or of what is behind a tool, are not there."""
    beside = batch or Batch()
    shelves: dict[Kind, _Shelf[Any]] = {
        "agents": _Shelf(services.agents, tenant, beside.agents, {}),
        "tools": _Shelf(services.tool_definitions, tenant, beside.tools, {}),
        "workflows": _Shelf(services.workflows, tenant, beside.workflows, {}),
    }
    found: list[Detail] = []
    for use in uses(definition):
        shelf = shelves[use.kind]
        if not await shelf.find([use.reference]):
            word = use.kind.removesuffix("s")
            place = f"/tools/{definition.tools.index(use.reference)}" if isinstance(definition, Agent) else f"/{word}"
            complaint = absent(word, use.reference, {}, await shelf.names()) or ""
            found.append(Detail(pointer=place, message=complaint))
    return Findings(tuple(found))


def _definitions(found: Mapping[str, Found[D]]) -> dict[str, D]:
    return {reference: one.definition for reference, one in found.items() if one.definition is not None}


def _versions(found: Mapping[str, Found[D]]) -> dict[str, int]:
    return {reference: one.version for reference, one in found.items()}
