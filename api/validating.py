"""`POST /api/workflows/validate` and `POST /api/validate`: everything wrong with definitions, without storing any."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.auth import Caller
from api.bodies import Unreadable, read_definition, read_json
from api.parameters import definition_body, json_body
from api.prompting import PromptShelf
from api.resolving import Batch, Resolved, missing, resolve
from api.shapes import definition_problem, read_shape, request_problem
from domain.agents import Agent
from domain.base import Shape
from domain.datasets import Dataset
from domain.errors import Detail, ProblemError
from domain.prompt_definitions import PromptDefinition
from domain.tools import Tool
from domain.validation import Findings, check_agent, check_dataset, check_prompt, check_tool
from domain.values import Json
from domain.wording import did_you_mean
from domain.workflows import Workflow
from services.wiring import Services, services

router = APIRouter(tags=["workflows"])

Definition = Agent | Dataset | PromptDefinition | Tool | Workflow
_MODELS: dict[str, type[Definition]] = {
    "agent": Agent,
    "dataset": Dataset,
    "prompt": PromptDefinition,
    "tool": Tool,
    "workflow": Workflow,
}
MOST = 500
"""Definitions of one batch."""


class Estimate(BaseModel):
    """The most that one execution can use; null where the input decides, or a price is not known."""

    model_calls: int | None = Field(default=None, description="Tries after failures not counted.")
    tokens_out: int | None = Field(default=None, description="Tokens that the models write.")
    output_usd: Decimal | None = Field(default=None, description="US dollars for these; what is sent costs more.")


class Validation(BaseModel):
    """Warnings keep nothing from being stored. An estimate is there for a workflow that is valid."""

    valid: bool
    errors: tuple[Detail, ...] = ()
    warnings: tuple[Detail, ...] = ()
    estimate: Estimate = Estimate()


class Entry(Shape):
    """One definition of a batch."""

    kind: Literal["agent", "dataset", "prompt", "tool", "workflow"]
    definition: Any = Field(description="As it would be sent to be stored.")


class ValidateRequest(Shape):
    """Body of `POST /api/validate`: definitions that know each other."""

    definitions: tuple[Entry, ...] = Field(max_length=MOST, description="In any order.")


class Validations(BaseModel):
    results: tuple[Validation, ...] = Field(description="One for each definition, in the order sent.")


@router.post(
    "/api/workflows/validate",
    summary="Say everything that is wrong with a workflow",
    openapi_extra=definition_body("Workflow"),
)
async def validate(caller: Caller, request: Request) -> Validation:
    try:
        written = await read_definition(request)
    except Unreadable as error:
        return _invalid(Findings((Detail(pointer="", message=str(error)),)))
    return await _checked(caller.tenant, _read("workflow", written), written, Batch())


@router.post(
    "/api/validate",
    summary="Say everything that is wrong with definitions that belong together",
    openapi_extra=json_body("ValidateRequest"),
)
async def validate_all(caller: Caller, request: Request) -> Validations:
    sent = read_shape(ValidateRequest, await read_json(request), request_problem)
    reads = [_read(entry.kind, entry.definition) for entry in sent.definitions]
    batch = _batch(sent.definitions, reads)
    results = []
    for entry, read in zip(sent.definitions, reads, strict=True):
        results.append(await _checked(caller.tenant, read, entry.definition, batch))
    return Validations(results=tuple(results))


def _read(kind: str, written: Json) -> Definition | Findings:
    """The definition, or what keeps it from being one."""
    try:
        return read_shape(_MODELS[kind], written, definition_problem)
    except ProblemError as error:
        return Findings(error.problem.details)


def _batch(entries: tuple[Entry, ...], reads: list[Definition | Findings]) -> Batch:
    named: dict[str, dict[str, Any]] = {kind: {} for kind in _MODELS}
    for entry, read in zip(entries, reads, strict=True):
        name = entry.definition.get("name") if isinstance(entry.definition, dict) else None
        if isinstance(name, str):
            named[entry.kind][name] = None if isinstance(read, Findings) else read
    return Batch(agents=named["agent"], tools=named["tool"], workflows=named["workflow"], prompts=named["prompt"])


async def _checked(tenant: str, read: Definition | Findings, written: Json, batch: Batch) -> Validation:
    match read:
        case Agent():
            findings = await check_agent_here(services(), tenant, read, written, batch)
            return _of_findings(findings)
        case Dataset():
            return _of_findings(check_dataset(read))
        case PromptDefinition():
            return _of_findings(check_prompt(read, written))
        case Tool():
            return _of_findings(await check_tool_here(services(), tenant, read, written, batch))
        case Workflow():
            await services().model_registry.known()  # for their prices
            return _of_workflow(await resolve(services(), tenant, read, written, batch))
        case _:
            return _invalid(read)


async def check_agent_here(
    services: Services, tenant: str, agent: Agent, written: Json, batch: Batch | None = None
) -> Findings:
    """Everything wrong with an agent, the prompts that it names looked up."""
    itself = check_agent(agent, written)
    prompted = await PromptShelf(services, tenant, batch.prompts if batch else None).of(agent, written)
    more = prompted.findings
    errors = itself.errors + more.errors + (await missing(services, tenant, agent, batch)).errors
    return Findings(errors, itself.warnings + more.warnings + await _unknown_model(services, agent))


async def _unknown_model(services: Services, agent: Agent) -> tuple[Detail, ...]:
    """A warning, no mistake: the model may be made later, and where none is set up nobody has said anything yet."""
    known = await services.model_registry.known()
    if not known or agent.model in known:
        return ()
    message = f"this deployment knows no model `{agent.model}`{did_you_mean(agent.model, known)}"
    return (Detail(pointer="/model", message=message),)


async def check_tool_here(
    services: Services, tenant: str, tool: Tool, written: Json, batch: Batch | None = None
) -> Findings:
    """Everything wrong with a tool, what is behind it looked up."""
    itself = check_tool(tool, written)
    errors = itself.errors + (await missing(services, tenant, tool, batch)).errors
    return Findings(errors, itself.warnings + _unknown_maker(services, tenant, tool))


def _unknown_maker(services: Services, tenant: str, tool: Tool) -> tuple[Detail, ...]:
    """A warning, no mistake, like that of a model: the deployment may get the function or the server later."""
    if tool.function is not None:
        field, what, name = "/function", "tool function", tool.function
        known: Collection[str] = {one.name for one in services.tools.functions.all()}
    elif tool.mcp is not None:
        field, what, name = "/mcp/server", "MCP server", tool.mcp.server
        known = services.tools.mcp.servers(tenant)
    else:
        return ()
    if not known or name in known:
        return ()
    message = f"this deployment knows no {what} `{name}`{did_you_mean(name, known)}"
    return (Detail(pointer=field, message=message),)


def _of_findings(findings: Findings) -> Validation:
    return Validation(valid=not findings.errors, errors=findings.errors, warnings=findings.warnings)


def _of_workflow(resolved: Resolved) -> Validation:
    found = _of_findings(resolved.findings)
    if not found.valid:
        return found
    return found.model_copy(update={"estimate": Estimate(**resolved.estimate()._asdict())})


def _invalid(findings: Findings) -> Validation:
    return Validation(valid=False, errors=findings.errors)
