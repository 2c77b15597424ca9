"""Prompts that agents name: looked up, checked against what the agents give them, ready to be pinned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from api.shapes import request_problem
from domain.agents import Agent
from domain.base import split_reference
from domain.chance import chance
from domain.errors import Detail, ProblemError
from domain.plans import Plan
from domain.prompt_definitions import (
    PinnedPrompt,
    PromptDefinition,
    chosen,
    pinned,
    references_of,
    split_prompt_reference,
)
from domain.validation import Findings, check_given
from domain.validation.findings import Notes, Parts
from domain.values import Json
from domain.wording import did_you_mean
from services.wiring import Services

SUGGESTED = 200
Options = tuple[tuple[PinnedPrompt, int], ...]
"""The prompts that an agent may come to use, each with its weight."""


@dataclass(frozen=True)
class Prompted:
    """What was found of an agent's prompts: with mistakes in `findings` there may be no options."""

    options: Options = ()
    findings: Findings = field(default_factory=Findings)

    def chosen(self, seed: str, agent: str) -> PinnedPrompt:
        """The same for the same seed, each time and on every machine."""
        return chosen(self.options, chance("variant", seed, agent))


class PromptShelf:
    """The stored prompts of a tenant, and those of a batch that will be the next versions of theirs."""

    def __init__(
        self, services: Services, tenant: str, batch: Mapping[str, PromptDefinition | None] | None = None
    ) -> None:
        self._services = services
        self._tenant = tenant
        self._batch = batch or {}

    async def of(self, agent: Agent, written: Json = None, kept: PinnedPrompt | None = None) -> Prompted:
        """Look up every prompt that the agent may come to use, and check what it gives them.

        `kept`: the one that a plan has pinned, whatever has become of the agent's since.
        """
        if kept is not None:
            return Prompted(((kept, 1),), check_given(agent, {kept.reference: kept}, written))
        notes = Notes(written)
        found: dict[str, PinnedPrompt | None] = {}
        options: list[tuple[PinnedPrompt, int]] = []
        for index, (reference, weight) in enumerate(references_of(agent.prompt)):
            prompt = await self._find(reference)
            if isinstance(prompt, str):
                at: Parts = ("prompt",) if isinstance(agent.prompt, str) else ("prompt", "variants", index, "prompt")
                notes.error(at, prompt)
                continue
            found[reference] = prompt
            if prompt is not None:
                options.append((prompt, weight))
        missing, given = notes.findings(), check_given(agent, found, written)
        return Prompted(tuple(options), Findings(missing.errors + given.errors, given.warnings))

    async def _find(self, reference: str) -> PinnedPrompt | str | None:
        """The prompt; None when it is in the batch and has mistakes; a text says why there is none."""
        name, version, label = split_prompt_reference(reference)
        latest = await self._services.prompts.get(self._tenant, name)
        if name in self._batch and label is None:
            following, batched = (latest.version + 1 if latest else 1), self._batch[name]
            following -= bool(latest and latest.definition == batched)
            if version in (None, following):
                return None if batched is None else pinned(batched, following)
        if latest is None:
            return f"there is no prompt `{name}`{did_you_mean(name, await self._names())}"
        if label is not None:
            placed = await self._services.labels.get(self._tenant, name, label)
            if placed is None or placed.version is None:
                return f"no version of the prompt `{name}` has the label `{label}`"
            version = placed.version
        stored = latest if version in (None, latest.version) else None
        stored = stored or await self._services.prompts.get(self._tenant, name, version)
        if stored is None:
            return f"the prompt `{name}` has no version {version}"
        return pinned(stored.definition, stored.version, label)

    async def _names(self) -> frozenset[str]:
        stored, _ = await self._services.prompts.list(self._tenant, SUGGESTED)
        return frozenset(self._batch) | {one.definition.name for one in stored}


def details_in(prompts: Mapping[str, Prompted]) -> tuple[Detail, ...]:
    """What is wrong with the prompts of the agents that a workflow uses, as mistakes of the workflow."""
    return tuple(
        Detail(pointer="/steps", message=f"in the agent `{agent}`, at `{detail.pointer}`: {detail.message}")
        for agent, prompted in prompts.items()
        for detail in prompted.findings.errors
    )


async def with_prompts(services: Services, tenant: str, plan: Plan, prompts: Mapping[str, str], seed: str) -> Plan:
    """The plan with other prompts for some of its agents, by their names.

    Raises `ProblemError` invalid_request for an agent that it has not, or a prompt that the agent cannot use.
    """
    agents, pinned_prompts, shelf = dict(plan.agents), dict(plan.prompts), PromptShelf(services, tenant)
    for name, prompt in prompts.items():
        references = [reference for reference in agents if split_reference(reference)[0] == name]
        if not references:
            meant = did_you_mean(name, [split_reference(reference)[0] for reference in agents])
            message = f"the workflow uses no agent `{name}`{meant}"
            raise ProblemError(request_problem((Detail(pointer=f"/prompts/{name}", message=message),)))
        for reference in references:
            own = agents[reference].model_dump(exclude={"instructions"})
            agent = Agent.model_validate({**own, "prompt": prompt})
            found = await shelf.of(agent)
            if found.findings.errors:
                place = f"/prompts/{name}"
                details = tuple(Detail(pointer=place, message=detail.message) for detail in found.findings.errors)
                raise ProblemError(request_problem(details))
            agents[reference], pinned_prompts[reference] = agent, found.chosen(seed, reference)
    return plan.model_copy(update={"agents": agents, "prompts": pinned_prompts})
