"""A new execution that goes on from another: what that one finished is taken over, but for what was changed.

A retry is the fork that changes nothing. Nothing is ever rewritten: the other execution stays as it was.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from api.durable import DurableClient
from api.prompting import PromptShelf
from api.resolving import resolve
from api.shapes import Wording, definition_problem, moved, read_shape, request_problem
from api.starting import check_input, checked_key, new_execution, refuse_input, start_or_discard, started
from domain.agents import Agent
from domain.base import Name, Shape, split_reference
from domain.errors import Code, Detail, Fault, Problem, ProblemError, invalid_input, platform_failed
from domain.events import Draft, Event, EventType, given_id
from domain.executions import Execution, Fork
from domain.paths import is_within
from domain.plans import Plan
from domain.prompt_definitions import PinnedPrompt
from domain.values import Json, Value, content_hash, recorded
from domain.wording import did_you_mean
from domain.workflows import Workflow, walk
from services.identity import Principal
from services.wiring import Services

PAGE = 500


class Changed(Shape):
    """What another execution of the same does otherwise. What is left out stays as it was."""

    input: Any = Field(default=None, description="Another input; null counts as one.")
    outputs: dict[str, Any] = Field(default_factory=dict, description="By path of a step, its output: it is not run.")
    workflow: dict[str, Any] | None = Field(default=None, description="Another definition of the workflow.")
    agents: dict[Name, dict[str, Any]] = Field(
        default_factory=dict, description="By name, another definition of an agent: other instructions, another model."
    )


class ForkRequest(Changed):
    """Body of `POST /api/executions/{id}/fork`. What is left out stays as it was."""

    before: str | None = Field(default=None, description="Path of a step: it, and all that came later, is done anew.")
    after: int | None = Field(default=None, ge=0, description="Offset in the log: all that came later is done anew.")


class ReplayRequest(Changed):
    """Body of `POST /api/executions/{id}/replay`. What is left out stays as it was."""

    live: bool = Field(default=False, description="Models and tools are called from where it differs.")


async def fork_execution(
    services: Services,
    client: DurableClient,
    caller: Principal,
    parent: Execution,
    request: ForkRequest,
    key: str | None,
    replay: Literal["offline", "live"] | None = None,
) -> Execution:
    """A running execution, or for a `key` that was sent before with the same request the one it started.

    A `replay` tells nobody of its end.

    Raises `ProblemError`: invalid_definition, invalid_input, invalid_request, conflict, platform_failed.
    """
    kind = {"fork_of": parent.id} if replay is None else {"replay_of": parent.id, "replay": replay}
    asked = {**kind, **request.model_dump(mode="json", exclude_unset=True)}
    idempotency = (checked_key(key), content_hash(asked)) if key is not None else None
    if idempotency and (existing := await services.executions.of_key(caller.tenant, *idempotency)):
        return existing
    plan = await _plan(services, caller.tenant, parent, request)
    value = request.input if "input" in request.model_fields_set else parent.input
    check_input(plan.workflow, value)
    refuse_input(plan, value)
    _check_paths(plan.workflow, request)
    until = await _until(services, parent, request)
    outputs = {**await _still_given(services, parent, request.before), **request.outputs}
    fork = _fork(request, until, outputs, offline=replay == "offline")
    saved = await services.plans.save(caller.tenant, plan)
    webhook = parent.webhook if replay is None else None
    execution = new_execution(caller, plan, saved, value, retry_of=parent.id, fork=fork, webhook=webhook)
    if not {"input", "workflow"} & request.model_fields_set:
        execution = execution.model_copy(update={"evaluation": parent.evaluation})
    execution = services.telemetry.traced(execution)
    given = [_given(path, output) for path, output in outputs.items()]
    execution, is_new = await services.executions.create(execution, started(execution), idempotency, given)
    if is_new:
        await start_or_discard(services, client, execution, plan, _as_values(outputs))
    return execution


async def replay_execution(
    services: Services,
    client: DurableClient,
    caller: Principal,
    parent: Execution,
    request: ReplayRequest,
    key: str | None,
) -> Execution:
    """As `fork_execution`, from the beginning; unless it is `live`, nothing is called, asked or waited for.

    Raises `ProblemError`: conflict too, for an execution that has not ended.
    """
    if not parent.status.is_ended:
        raise ProblemError(_not_ended(parent))
    changes = ForkRequest.model_validate(request.model_dump(mode="json", exclude_unset=True, exclude={"live"}))
    mode: Literal["offline", "live"] = "live" if request.live else "offline"
    return await fork_execution(services, client, caller, parent, changes, key, mode)


async def given_to(services: Services, execution: Execution) -> dict[str, Value]:
    """The outputs that a fork was given, by path, as its orchestration starts with them."""
    return _as_values(await _outputs_of(services, execution))


async def _outputs_of(services: Services, execution: Execution) -> dict[str, Json]:
    """What a fork was given, read back from its log."""
    paths = execution.fork.outputs if execution.fork else ()
    found = await services.events.get(execution.tenant, execution.id, [given_id(path) for path in paths])
    outputs: dict[str, Json] = {}
    for path in paths:
        event = found.get(given_id(path))
        if event is None:
            raise ProblemError(platform_failed(f"The log has lost the output that was given to `{path}`."))
        outputs[path] = await services.events.value(execution.tenant, execution.id, event)
    return outputs


async def _still_given(services: Services, parent: Execution, before: str | None) -> dict[str, Json]:
    """What the parent, a fork itself, was given; but for what is to be done anew."""
    outputs = await _outputs_of(services, parent)
    return {path: output for path, output in outputs.items() if before is None or not is_within(path, before)}


def _as_values(outputs: dict[str, Json]) -> dict[str, Value]:
    return {path: recorded(output, given_id(path)) for path, output in outputs.items()}


async def _plan(services: Services, tenant: str, parent: Execution, request: ForkRequest) -> Plan:
    """The parent's plan with what was changed in it. What it has pinned stays pinned, also in another workflow."""
    plan = await services.plans.load(tenant, parent.plan)
    if request.workflow is not None:
        plan = await _with_workflow(services, tenant, plan, request.workflow)
    agents, prompts = dict(plan.agents), dict(plan.prompts)
    for name, written in request.agents.items():
        references = [reference for reference in agents if split_reference(reference)[0] == name]
        if not references:
            known = [split_reference(reference)[0] for reference in agents]
            message = f"the execution uses no agent `{name}`{did_you_mean(name, known)}"
            raise ProblemError(request_problem((Detail(pointer=f"/agents/{name}", message=message),)))
        whole = {"name": name, **written}
        agent = read_shape(Agent, whole, _wording(f"/agents/{name}"))
        agents.update(dict.fromkeys(references, agent))
        pinned = await _prompt(services, tenant, plan, references[0], agent, parent.id)
        prompts = {reference: prompt for reference, prompt in prompts.items() if reference not in references}
        prompts |= {} if pinned is None else dict.fromkeys(references, pinned)
    changed = plan.model_copy(update={"agents": agents, "prompts": prompts})
    new = {tool for agent in agents.values() for tool in agent.tools if tool not in plan.tools}
    return await _completed(services, tenant, changed, parent.id) if new else changed


async def _prompt(
    services: Services, tenant: str, plan: Plan, reference: str, agent: Agent, seed: str
) -> PinnedPrompt | None:
    """The prompt of an agent that was edited: as it was pinned, unless the agent names another now."""
    if agent.prompt is None:
        return None
    kept = plan.prompts.get(reference) if agent.prompt == plan.agents[reference].prompt else None
    prompted = await PromptShelf(services, tenant).of(agent, kept=kept)
    if prompted.findings.errors:
        raise ProblemError(definition_problem(moved(prompted.findings.errors, f"/agents/{agent.name}")))
    return prompted.chosen(seed, reference)


async def _completed(services: Services, tenant: str, plan: Plan, seed: str) -> Plan:
    """With the tools that a changed agent names, as they are now."""
    resolved = await resolve(services, tenant, plan.workflow, pinned=plan)
    if resolved.details:
        raise ProblemError(definition_problem(resolved.details))
    return resolved.plan(plan.workflow_version, seed)


async def _with_workflow(services: Services, tenant: str, plan: Plan, written: Json) -> Plan:
    named = {"name": plan.workflow.name, **written}
    workflow = read_shape(Workflow, named, _wording("/workflow"))
    resolved = await resolve(services, tenant, workflow, written, pinned=plan)
    if resolved.details:
        raise ProblemError(definition_problem(moved(resolved.details, "/workflow")))
    return resolved.plan(None)


def _wording(prefix: str) -> Wording:
    return lambda details: definition_problem(moved(details, prefix))


def _check_paths(workflow: Workflow, request: ForkRequest) -> None:
    """Refuse an output for what is no step: it would silently change nothing."""
    known = [step.id for step in walk(workflow.steps)]
    named = {f"/outputs/{path}": path for path in request.outputs}
    for pointer, path in named.items():
        id = path.rpartition("/")[2].partition("[")[0]
        if path.partition("/")[0].partition("[")[0] not in known:
            message = f"there is no step `{path}`{did_you_mean(id, known)}"
            raise ProblemError(request_problem((Detail(pointer=pointer, message=message),)))


def _fork(request: ForkRequest, until: int | None, outputs: dict[str, Json], *, offline: bool) -> Fork | None:
    """What the record says of it; None for a plain retry."""
    edited = [f"agents/{name}" for name in request.agents]
    edited += ["workflow"] if request.workflow is not None else []
    edited += ["input"] if "input" in request.model_fields_set else []
    fork = Fork(before=request.before, until=until, outputs=tuple(outputs), edited=tuple(edited), offline=offline)
    return None if fork == Fork() else fork


async def _until(services: Services, parent: Execution, request: ForkRequest) -> int | None:
    """Offset in the parent's log from which on nothing is taken over; None: all of it may be."""
    if request.before is not None and request.after is not None:
        detail = Detail(pointer="/after", message="write `before` or `after`, not both")
        raise ProblemError(request_problem((detail,)))
    if request.after is not None:
        return request.after + 1
    if request.before is None:
        return None
    begun = await _begun(services, parent, request.before)
    if begun is None:
        message = f"the execution has not begun a step `{request.before}`"
        raise ProblemError(invalid_input("The fork cannot begin there.", (Detail(pointer="/before", message=message),)))
    return begun.offset


async def _begun(services: Services, parent: Execution, path: str) -> Event | None:
    """The first event of the step, or of what is in it (an item, a round or a turn has no event of its own)."""
    found = await services.events.get(parent.tenant, parent.id, [f"{path}:{EventType.STEP_STARTED}"])
    if found:
        return next(iter(found.values()))
    after = 0
    while page := await services.events.read(parent.tenant, parent.id, after, PAGE):
        for event in page:
            if event.step is not None and (event.step == path or event.step.startswith((f"{path}/", f"{path}["))):
                return event
        after = page[-1].offset
    return None


def _given(path: str, output: Json) -> Draft:
    return Draft(
        id=given_id(path),
        type=EventType.STEP_EVALUATED,
        time=datetime.now(UTC),
        step=path,
        data={"source": "given by the fork"},
        value=output,
    )


def _not_ended(parent: Execution) -> Problem:
    return Problem(
        code=Code.CONFLICT,
        message=f"The execution is {parent.status}; only one that has ended can be replayed.",
        action="Wait for its end, or fork it.",
        fault=Fault.CALLER,
    )
