"""From a request to a running execution: resolve, check, pin, record, start. A failure on the way leaves nothing."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from api.durable import DurableClient
from api.resolving import Resolved, resolve
from api.shapes import definition_problem, moved, read_shape, request_problem
from domain.base import Reference, Shape, split_reference
from domain.errors import Detail, ProblemError, invalid_input, invalid_request, not_found, platform_failed
from domain.events import Draft, EventType
from domain.executions import Execution, Fork, Status
from domain.plans import Plan
from domain.schedules import Schedule
from domain.tracing import root_of
from domain.validation import check_value, pointer, refuse_filled
from domain.values import Json, Value, content_hash, recorded
from domain.webhooks import Webhook
from domain.workflows import Workflow, agents_used
from services.executions import new_execution_id
from services.identity import Principal
from services.turns import turns_of
from services.wiring import Services

log = logging.getLogger("meta_agents.api")

ORCHESTRATOR = "workflow"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class StartRequest(Shape):
    """Body of `POST /api/executions`: the name of a workflow, or a whole one, and its input."""

    workflow: Reference | None = Field(default=None, description="`name`, or `name@version`.")
    definition: dict[str, Any] | None = Field(default=None, description="A workflow that is not stored.")
    input: Any = Field(default_factory=dict, description="Satisfies the workflow's input schema.")
    webhook: Webhook | None = Field(default=None, description="Whom to call when the execution has ended.")

    @property
    def fingerprint(self) -> str:
        """The same for the same request, also as releases before webhooks remembered it."""
        return content_hash(self.model_dump(mode="json", exclude=None if self.webhook else {"webhook"}))


def request_of(schedule: Schedule) -> StartRequest:
    """What a schedule asks for at each of its times."""
    return StartRequest(workflow=schedule.workflow, input=schedule.input, webhook=schedule.webhook)


async def start_execution(
    services: Services, client: DurableClient, caller: Principal, request: StartRequest, key: str | None
) -> Execution:
    """A running execution, or, for a `key` that was sent before with the same request, the one it started.

    Raises `ProblemError`: not_found, invalid_definition, invalid_input, conflict, platform_failed.
    """
    idempotency = (checked_key(key), request.fingerprint) if key is not None else None
    return await start_once(services, client, caller, request, idempotency)


async def start_once(
    services: Services,
    client: DurableClient,
    caller: Principal,
    request: StartRequest,
    idempotency: tuple[str, str] | None,
) -> Execution:
    """Like `start_execution`, for whatever may ask twice: `idempotency` is a key and the hash it must come with again.

    A key with a space in it can be no caller's.
    """
    # Before anything is checked: what it names may have been deleted since it was first sent.
    if idempotency and (existing := await services.executions.of_key(caller.tenant, *idempotency)):
        return existing
    resolved, version = await resolve_request(services, caller.tenant, request)
    id = new_execution_id()
    plan = resolved.plan(version, seed=idempotency[0] if idempotency else id)
    refuse_input(plan, request.input)
    saved = await services.plans.save(caller.tenant, plan)
    execution = new_execution(caller, plan, saved, request.input, webhook=request.webhook, id=id)
    return await begin(services, client, execution, plan, idempotency)


async def begin(
    services: Services,
    client: DurableClient,
    execution: Execution,
    plan: Plan,
    idempotency: tuple[str, str] | None,
) -> Execution:
    """Record and start it; or, when it was asked for twice at once, the one that was first."""
    execution = services.telemetry.traced(execution)
    execution, is_new = await services.executions.create(execution, started(execution), idempotency)
    if is_new:
        # Its log has one event, and nothing was asked of it before that.
        await start_or_discard(services, client, execution, plan, head=1)
    return execution


def started(execution: Execution) -> Draft:
    """The first event of an execution; made again, it is the same."""
    return Draft(
        id=EventType.EXECUTION_STARTED,
        type=EventType.EXECUTION_STARTED,
        time=execution.created,
        data={"workflow": execution.workflow, "version": execution.workflow_version, **_lineage(execution)},
        value=execution.input,
    )


def _lineage(execution: Execution) -> dict[str, Json]:
    fork = execution.fork.model_dump(mode="json", exclude_defaults=True) if execution.fork else None
    return {name: value for name, value in {"retry_of": execution.retry_of, "fork": fork}.items() if value is not None}


async def start_instance(
    services: Services,
    client: DurableClient,
    execution: Execution,
    plan: Plan,
    outputs: dict[str, Value] | None = None,
    head: int = 0,
) -> None:
    """Start the execution's orchestration, unless it is there already. Raises what the client raises.

    `outputs`: those that a fork gives to steps, by path. `head`: where its log ends, if that is known.
    """
    payload: dict[str, Json] = {
        "tenant": execution.tenant,
        "execution": execution.id,
        "plan": execution.plan,
        "workflow": plan.workflow.model_dump(mode="json", exclude_defaults=True),
        "input": recorded(execution.input, EventType.EXECUTION_STARTED),
        "retry_of": execution.retry_of,
    }
    if execution.fork is not None:
        payload |= {"retry_until": execution.fork.until, "outputs": outputs or {}}
        payload |= {"offline": True} if execution.fork.offline else {}
    if plan.workflows:
        payload["workflows"] = {
            name: other.model_dump(mode="json", exclude_defaults=True) for name, other in plan.workflows.items()
        }
    if turns := turns_of(services.settings, execution.tenant, plan):
        payload["turns"] = turns
    if execution.trace is not None:
        payload["trace"] = root_of(execution.trace, execution.id).model_dump(mode="json", exclude_defaults=True)
    if head:
        payload |= {"head": head, "quiet": True}
    if execution.webhook is not None:
        payload["webhook"] = execution.webhook.model_dump(mode="json")
    try:
        await client.start_new(ORCHESTRATOR, execution.id, payload)
    except Exception:  # the SDK raises it bare, and so also for an instance that is there
        if not await client.get_status(execution.id):
            raise


async def start_or_discard(
    services: Services,
    client: DurableClient,
    execution: Execution,
    plan: Plan,
    outputs: dict[str, Value] | None = None,
    head: int = 0,
) -> None:
    """Start it, or leave nothing of it and raise `ProblemError` platform_failed."""
    try:
        await start_instance(services, client, execution, plan, outputs, head)
    except Exception as error:  # whatever kept it from starting, nothing may be left of it
        log.exception("execution %s could not be started", execution.id)
        await services.executions.discard(execution.tenant, execution.id)
        raise ProblemError(platform_failed("The execution could not be started; nothing is left of it.")) from error


async def resolve_request(services: Services, tenant: str, request: StartRequest) -> tuple[Resolved, int | None]:
    """The workflow to run and its version, None for one that came with the request. Raises like `start_execution`."""
    _check_webhook(services, request.webhook)
    resolved, version = await _resolved(services, tenant, request)
    check_input(resolved.workflow, request.input)
    return resolved, version


async def _resolved(services: Services, tenant: str, request: StartRequest) -> tuple[Resolved, int | None]:
    if (request.workflow is None) == (request.definition is None):
        detail = Detail(pointer="", message="exactly one of these keys is needed: workflow, definition")
        raise ProblemError(request_problem((detail,)))
    if request.workflow is None:
        return await _inline(services, tenant, request.definition), None
    name, version = split_reference(request.workflow)
    stored = await services.workflows.get(tenant, name, version)
    if stored is None:
        raise ProblemError(not_found("workflow", request.workflow))
    # Checked again: an agent it uses may have been deleted since.
    resolved = await resolve(services, tenant, stored.definition)
    if resolved.details:
        raise ProblemError(definition_problem(resolved.details))
    return resolved, stored.version


async def _inline(services: Services, tenant: str, written: Json) -> Resolved:
    workflow = read_shape(Workflow, written, lambda details: definition_problem(moved(details, "/definition")))
    resolved = await resolve(services, tenant, workflow, written)
    if resolved.details:
        raise ProblemError(definition_problem(moved(resolved.details, "/definition")))
    return resolved


def _check_webhook(services: Services, webhook: Webhook | None) -> None:
    refusal = services.webhooks.refusal(webhook) if webhook is not None else None
    if refusal is not None:
        raise ProblemError(request_problem((Detail(pointer="/webhook/url", message=refusal),)))


def refuse_input(plan: Plan, value: Json) -> None:
    """Raises `ProblemError` invalid_input when the prompts of the workflow's own agents cannot be made of its input."""
    agents = {reference: plan.agents[reference] for reference in agents_used(plan.workflow)}
    refuse_filled(agents, {name: prompt for name, prompt in plan.prompts.items() if name in agents}, value)


def check_input(workflow: Workflow, value: Json) -> None:
    found = check_value(value, workflow.input)
    if found:
        details = tuple(Detail(pointer="/input" + pointer(parts), message=message) for parts, message in found)
        raise ProblemError(invalid_input("The input does not satisfy the workflow's input schema.", details))


def checked_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        action = "Send 1 to 200 visible ASCII characters, such as a UUID, or leave it out."
        raise ProblemError(invalid_request("The Idempotency-Key is not usable.", action))
    return key


def new_execution(
    caller: Principal,
    plan: Plan,
    plan_hash: str,
    value: Json,
    retry_of: str | None = None,
    fork: Fork | None = None,
    webhook: Webhook | None = None,
    id: str | None = None,
) -> Execution:
    return Execution(
        id=id or new_execution_id(),
        tenant=caller.tenant,
        workflow=plan.workflow.name,
        workflow_version=plan.workflow_version,
        plan=plan_hash,
        status=Status.RUNNING,
        input=value,
        retry_of=retry_of,
        fork=fork,
        variants=plan.variants,
        webhook=webhook,
        started_by=caller.name,
        created=datetime.now(UTC),
    )
