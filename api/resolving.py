"""The definitions that a workflow names, looked up once and then held."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from domain.agents import Agent
from domain.base import split_reference
from domain.errors import Detail
from domain.plans import Plan
from domain.validation import check_workflow
from domain.values import Json
from domain.workflows import Workflow, agents_used
from services.definitions import Stored
from services.wiring import Services

SUGGESTED = 500
"""Most names looked through for the one that was meant."""


@dataclass(frozen=True)
class Resolved:
    """A workflow as it was read, each agent it names as it was found, and what is wrong with it."""

    workflow: Workflow
    agents: dict[str, Stored[Agent]]
    details: tuple[Detail, ...]

    def plan(self, workflow_version: int | None) -> Plan:
        """Everything the execution will use. Only for a workflow without mistakes."""
        return Plan(
            workflow=self.workflow,
            workflow_version=workflow_version,
            agents={reference: stored.definition for reference, stored in self.agents.items()},
            agent_versions={reference: stored.version for reference, stored in self.agents.items()},
        )


async def resolve(services: Services, tenant: str, workflow: Workflow, written: Json = None) -> Resolved:
    """Look up all that `workflow` names and check it. Pointers lead into `written`, if that is given."""
    references = agents_used(workflow)
    found = await asyncio.gather(*(services.agents.get(tenant, *split_reference(name)) for name in references))
    agents = {reference: stored for reference, stored in zip(references, found, strict=True) if stored is not None}
    known = set(agents)
    if len(agents) < len(references):
        names, _ = await services.agents.list(tenant, SUGGESTED)
        known |= {stored.definition.name for stored in names}
    return Resolved(workflow, agents, check_workflow(workflow, known, written))
