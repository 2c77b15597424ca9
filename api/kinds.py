"""The kinds of definitions: what each has of its own, and what is checked of it before it is kept."""

from __future__ import annotations

from typing import Any

from api.definitions import D, Kind, existing_definition
from api.resolving import resolve
from api.validating import check_agent_here, check_tool_here
from domain.agents import Agent
from domain.datasets import Dataset
from domain.errors import Detail
from domain.prompt_definitions import PromptDefinition
from domain.tools import Tool
from domain.validation import check_dataset, check_prompt
from domain.values import Json
from domain.workflows import Workflow
from services.definitions import Stored
from services.wiring import Services, services


async def _check_agent(services: Services, tenant: str, agent: Agent, written: Json) -> tuple[Detail, ...]:
    return (await check_agent_here(services, tenant, agent, written)).errors


async def _check_dataset(_: Services, __: str, dataset: Dataset, ___: Json) -> tuple[Detail, ...]:
    return check_dataset(dataset).errors


async def _check_prompt(_: Services, __: str, prompt: PromptDefinition, written: Json) -> tuple[Detail, ...]:
    return check_prompt(prompt, written).errors


async def _check_tool(services: Services, tenant: str, tool: Tool, written: Json) -> tuple[Detail, ...]:
    return (await check_tool_here(services, tenant, tool, written)).errors


def _complete_tool(services: Services, tool: Tool) -> Tool:
    """A function's tool says what the function takes, and does, unless it says so itself."""
    registered = services.tools.functions.find(tool.function) if tool.function else None
    if registered is None:
        return tool
    given = {"input": registered.input, "description": registered.description}
    return tool.model_copy(update={key: value for key, value in given.items() if key not in tool.model_fields_set})


async def _check_workflow(services: Services, tenant: str, workflow: Workflow, written: Json) -> tuple[Detail, ...]:
    return (await resolve(services, tenant, workflow, written)).details


AGENTS = Kind("agent", "agents", Agent, lambda services: services.agents, _check_agent)
PROMPTS = Kind("prompt", "prompts", PromptDefinition, lambda services: services.prompts, _check_prompt)
TOOLS = Kind("tool", "tools", Tool, lambda services: services.tool_definitions, _check_tool, _complete_tool)
WORKFLOWS = Kind("workflow", "workflows", Workflow, lambda services: services.workflows, _check_workflow)
DATASETS = Kind("dataset", "datasets", Dataset, lambda services: services.datasets, _check_dataset)
KINDS: tuple[Kind[Any], ...] = (AGENTS, DATASETS, PROMPTS, TOOLS, WORKFLOWS)


async def existing(kind: Kind[D], tenant: str, name: str, version: int | None = None) -> Stored[D]:
    """Raises `ProblemError` not_found."""
    return await existing_definition(kind.of(services()), kind.word, tenant, name, version)
