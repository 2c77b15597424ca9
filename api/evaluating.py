"""From a request to a running evaluation: what is evaluated, on which cases, asked by which graders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import Field

from api.durable import DurableClient
from api.grader_checks import refuse_graders
from api.kinds import AGENTS, DATASETS, WORKFLOWS, existing
from api.prompting import with_prompts
from api.resolving import Batch, resolve
from api.shapes import definition_problem, request_problem
from api.starting import begin, checked_key, new_execution, refuse_input
from domain.agents import Agent
from domain.base import Name, Reference, Shape, split_reference
from domain.datasets import MOST_CASES, Case, named
from domain.errors import Detail, ProblemError, invalid_input
from domain.evaluations import CONCURRENCY, TARGET, Evaluated, evaluation_workflow, name_for, wrapped
from domain.executions import Execution
from domain.graders import Grader
from domain.plans import Plan
from domain.policies import Limits
from domain.prompt_definitions import PromptDefinition, PromptReference, Variable, needs_input
from domain.validation import check_prompt, check_value, pointer
from domain.values import Json, content_hash
from domain.workflows import Workflow
from services.definitions import Stored
from services.executions import new_execution_id
from services.identity import Principal
from services.wiring import Services

DRAFT = "draft"


class Draft(Shape):
    """A prompt that is not stored."""

    template: str = Field(min_length=1, max_length=32_000, description="As of a prompt.")
    variables: dict[Variable, dict[str, Any]] = Field(default_factory=dict, max_length=100, description="As of one.")


class EvaluationRequest(Shape):
    """Body of `POST /api/evaluations`: an agent or a workflow, a data set or cases, and graders."""

    agent: Reference | None = Field(default=None, description="The agent to evaluate: `name` or `name@version`.")
    workflow: Reference | None = Field(default=None, description="Or the workflow.")
    prompt: PromptReference | None = Field(default=None, description="Of the agent: this prompt in place of its own.")
    prompts: dict[Name, PromptReference] = Field(
        default_factory=dict, max_length=20, description="Of a workflow: by agent, a prompt in place of its own."
    )
    draft: Draft | None = Field(default=None, description="Or one that is not stored.")
    variables: dict[Variable, Any] | None = Field(
        default=None, description="What it is given; default: as the agent's."
    )
    data: Reference | None = Field(default=None, description="A data set: `name` or `name@version`.")
    cases: tuple[Case, ...] | None = Field(default=None, min_length=1, max_length=MOST_CASES, description="Or cases.")
    graders: tuple[Grader, ...] = Field(default=(), max_length=20, description="What is asked of each answer.")
    concurrency: int = Field(default=CONCURRENCY, ge=1, le=100, description="Most cases at the same time.")
    limits: Limits = Field(default_factory=Limits, description="The most that the evaluation may use.")


async def start_evaluation(
    services: Services, client: DurableClient, caller: Principal, request: EvaluationRequest, key: str | None
) -> Execution:
    """A running execution, or the one that the same `key` started.

    Raises `ProblemError`: not_found, invalid_definition, invalid_input, invalid_request, conflict, platform_failed.
    """
    idempotency = (checked_key(key), f"evaluation:{content_hash(asked(request))}") if key is not None else None
    if idempotency and (before := await services.executions.of_key(caller.tenant, *idempotency)):
        return before
    _one_of(request, "agent", "workflow")
    _one_of(request, "data", "cases")
    refuse_graders(request.graders)
    await _judges(caller.tenant, request.graders)
    dataset, cases = await _cases(caller.tenant, request)
    about = Evaluated(kind="evaluation", dataset=dataset, graders=request.graders, cases=len(cases))
    made = await _target(caller.tenant, request, cases)
    generated = evaluation_workflow(
        name_for(request.agent or request.workflow or ""),
        [made.target],
        request.graders,
        request.concurrency,
        request.limits,
    )
    batch = Batch(agents=made.agents, workflows={**generated.others, **made.workflows}, prompts=made.prompts)
    value = {"groups": [[case.model_dump(mode="json") for case in cases]]}
    about = about.model_copy(update=made.about)
    made_for = Made(generated.workflow, batch, value, about, request.prompts)
    return await start_generated(services, client, caller, made_for, idempotency)


def asked(request: Shape) -> Json:
    return request.model_dump(mode="json", exclude_defaults=True)


class Target(Shape):
    """What the step `target` names, what is made for it, and what the record says of it."""

    target: dict[str, str]
    about: dict[str, Any]
    agents: dict[str, Agent] = Field(default_factory=dict)
    prompts: dict[str, PromptDefinition] = Field(default_factory=dict)
    workflows: dict[str, Workflow] = Field(default_factory=dict)


async def _target(tenant: str, request: EvaluationRequest, cases: Sequence[Case]) -> Target:
    if request.workflow is not None:
        if request.prompt or request.draft or request.variables is not None:
            raise _refused("/prompt", "a workflow is given other prompts by agent: `prompts: {AGENT: PROMPT}`")
        stored = await _stored(WORKFLOWS, tenant, request.workflow)
        _fit(cases, stored.definition.input)
        name = f"{stored.definition.name}@{stored.version}"
        told = ", ".join(f"{agent}: {prompt}" for agent, prompt in request.prompts.items())
        return Target(target={"workflow": name}, about={"workflow": name, "prompt": told[:500] or None})
    if request.prompts:
        raise _refused("/prompts", "an agent has one prompt: write `prompt`")
    stored = await _stored(AGENTS, tenant, request.agent or "")
    agent, reference = stored.definition, f"{stored.definition.name}@{stored.version}"
    about: dict[str, Any] = {"agent": reference}
    prompts: dict[str, PromptDefinition] = {}
    if request.prompt or request.draft or request.variables is not None:
        agent = prompted(agent, request.prompt, request.draft, request.variables)
        prompts = drafted(request.draft)
        about["prompt"] = request.prompt or (DRAFT if request.draft else None)
        reference = agent.name
    agents = {agent.name: agent} if reference == agent.name else {}
    if needs_input(agent.variables):
        return Target(
            target={"workflow": TARGET},
            about=about,
            agents=agents,
            prompts=prompts,
            workflows={TARGET: wrapped(reference)},
        )
    return Target(target={"agent": reference}, about=about, agents=agents, prompts=prompts)


def prompted(agent: Agent, prompt: str | None, draft: Draft | None, variables: dict[str, Any] | None) -> Agent:
    """The agent with another prompt. Raises `ProblemError` invalid_request."""
    if prompt and draft:
        raise _refused("/draft", "write `prompt` or `draft`, not both")
    choice = prompt or (DRAFT if draft else None) or agent.prompt
    given = agent.variables if variables is None else variables
    if draft is not None and variables is None:
        given = {name: value for name, value in given.items() if name in draft.variables}
    return Agent.model_validate({**agent.model_dump(exclude={"instructions"}), "prompt": choice, "variables": given})


def drafted(draft: Draft | None) -> dict[str, PromptDefinition]:
    """The draft as a prompt that only this execution knows. Raises `ProblemError` invalid_request."""
    if draft is None:
        return {}
    prompt = PromptDefinition(name=DRAFT, template=draft.template, variables=draft.variables)
    if mistakes := check_prompt(prompt).errors:
        raise ProblemError(request_problem(tuple(_at("/draft", detail) for detail in mistakes)))
    return {DRAFT: prompt}


class Made(NamedTuple):
    """A workflow that is stored nowhere, what is made for it, its input, and what the record says of it.

    `prompts`: by agent, one in place of its own.
    """

    workflow: Workflow
    batch: Batch
    value: Json
    about: Evaluated
    prompts: Mapping[str, str] = {}


async def start_generated(
    services: Services,
    client: DurableClient,
    caller: Principal,
    made: Made,
    idempotency: tuple[str, str] | None,
) -> Execution:
    """Start what was made for an evaluation."""
    resolved = await resolve(services, caller.tenant, made.workflow, batch=made.batch)
    if resolved.details:
        raise ProblemError(definition_problem(resolved.details))
    id = new_execution_id()
    seed = idempotency[0] if idempotency else id
    plan = _without_versions(resolved.plan(None, seed=seed), made.batch)
    plan = await with_prompts(services, caller.tenant, plan, made.prompts, seed)
    refuse_input(plan, made.value)
    saved = await services.plans.save(caller.tenant, plan)
    execution = new_execution(caller, plan, saved, made.value, id=id)
    execution = execution.model_copy(update={"evaluation": made.about})
    return await begin(services, client, execution, plan, idempotency)


def _without_versions(plan: Plan, batch: Batch) -> Plan:
    """What was made for the evaluation is no version of anything."""
    prompts = {
        name: prompt.model_copy(update={"version": None}) if prompt.name in batch.prompts else prompt
        for name, prompt in plan.prompts.items()
    }
    return plan.model_copy(
        update={
            "agent_versions": {name: at for name, at in plan.agent_versions.items() if name not in batch.agents},
            "workflow_versions": {
                name: at for name, at in plan.workflow_versions.items() if name not in batch.workflows
            },
            "prompts": prompts,
        }
    )


async def _cases(tenant: str, request: EvaluationRequest) -> tuple[str | None, list[Case]]:
    """The data set, `name@version`, and the cases, each with an id."""
    try:
        if request.cases is not None:
            return None, named(request.cases)
        stored = await _stored(DATASETS, tenant, request.data or "")
        return f"{stored.definition.name}@{stored.version}", named(stored.definition.cases)
    except ValueError as error:
        raise _refused("/cases", str(error)) from error


def _fit(cases: Sequence[Case], schema: dict[str, Any]) -> None:
    """Raises `ProblemError` invalid_input for a case that the workflow does not take."""
    details = tuple(
        Detail(pointer=f"/cases/{index}/input{pointer(parts)}", message=message)
        for index, case in enumerate(cases)
        for parts, message in check_value(case.input, schema)
    )
    if details:
        raise ProblemError(invalid_input("Cases do not satisfy the workflow's input schema.", details[:50]))


async def _stored(kind: Any, tenant: str, reference: str) -> Stored[Any]:
    name, version = split_reference(reference)
    return await existing(kind, tenant, name, version)


async def _judges(tenant: str, graders: Sequence[Grader]) -> None:
    for index, grader in enumerate(graders):
        if grader.judge is not None:
            try:
                await _stored(AGENTS, tenant, grader.judge.agent)
            except ProblemError as error:
                raise _refused(f"/graders/{index}/judge/agent", error.problem.message) from error


def _one_of(request: Shape, *keys: str) -> None:
    if sum(getattr(request, key) is not None for key in keys) != 1:
        raise _refused("", f"exactly one of these keys is needed: {', '.join(keys)}")


def _refused(pointer: str, message: str) -> ProblemError:
    return ProblemError(request_problem((Detail(pointer=pointer, message=message),)))


def _at(prefix: str, detail: Detail) -> Detail:
    return Detail(pointer=prefix + detail.pointer, message=detail.message)
