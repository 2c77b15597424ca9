"""Trying a prompt on calls of past executions: the same agent is asked the same, under other instructions.

Nothing else is done again: no tools are offered, and nothing that came after the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import Field, TypeAdapter

from activities.loading import Loader
from api.durable import DurableClient
from api.evaluating import Draft, Made, asked, drafted, start_generated
from api.grader_checks import refuse_graders
from api.kinds import PROMPTS
from api.kinds import existing as existing_definition
from api.resolving import Batch
from api.shapes import request_problem
from api.starting import checked_key
from domain.agents import Agent
from domain.base import Name, Shape, split_reference
from domain.bundles import ExecutionId
from domain.errors import Detail, ProblemError, invalid_input, not_found
from domain.evaluation_results import Recorded
from domain.evaluations import CONCURRENCY, Evaluated, evaluation_workflow, name_for
from domain.events import Event, EventType
from domain.executions import Execution
from domain.graders import Grader
from domain.plans import Plan
from domain.policies import Limits
from domain.prompt_definitions import PinnedPrompt, Variable, instructions, pinned
from domain.prompt_shapes import Prompt, TemplatePrompt
from domain.prompts import messages
from domain.usage import Usage
from domain.validation import check_given, refuse_filled
from domain.values import Json, content_hash, size_of
from services.identity import Principal
from services.wiring import Services

MOST_EXECUTIONS = 100
MOST_CALLS = 500
MOST_BYTES = 8 * 1024 * 1024
"""Of what was asked and answered, together."""
MOST_GROUPS = 50
"""Instructions that differ: with variables made of the input, each execution may have its own."""
PAGE = 500
_PROMPTS: TypeAdapter[Prompt] = TypeAdapter(Prompt)


class Past(Shape):
    workflow: Name = Field(description="Executions of this workflow.")
    last: int = Field(default=10, ge=1, le=MOST_EXECUTIONS, description="So many, the latest.")


Named = Annotated[tuple[ExecutionId, ...], Field(max_length=MOST_EXECUTIONS)]


class TryRequest(Shape):
    """Body of `POST /api/prompts/{name}/try`: which version, or a draft; of which agent, on which executions."""

    version: int | None = Field(default=None, ge=1, le=999_999_999, description="Which version; default: the latest.")
    draft: Draft | None = Field(default=None, description="Or one that is not stored.")
    agent: Name = Field(description="Whose calls are made again.")
    variables: dict[Variable, Any] | None = Field(
        default=None, description="What it is given; default: as it was then."
    )
    executions: Named | Past = Field(description="Ids, or `{workflow, last}`.")
    graders: tuple[Grader, ...] = Field(default=(), max_length=20, description="What is asked of both answers.")
    concurrency: int = Field(default=CONCURRENCY, ge=1, le=100, description="Most calls at the same time.")
    limits: Limits = Field(default_factory=Limits, description="The most that the trial may use.")


class Skipped(NamedTuple):
    execution: str
    reason: str


@dataclass(frozen=True)
class _Call:
    """One call of the past: who was asked, with which schema, and the case that is made of it."""

    agent: Agent
    case: dict[str, Json]


async def start_trial(
    services: Services, client: DurableClient, caller: Principal, name: str, request: TryRequest, key: str | None
) -> tuple[Execution, list[Skipped]]:
    """A running execution, and the executions in which there was nothing to try it on.

    Raises `ProblemError`: not_found, invalid_request, invalid_input, conflict, platform_failed.
    """
    sent = {"prompt": name, **asked(request)}
    idempotency = (checked_key(key), f"trial:{content_hash(sent)}") if key is not None else None
    if idempotency and (before := await services.executions.of_key(caller.tenant, *idempotency)):
        return before, []
    refuse_graders(request.graders)
    prompt = await _prompt(caller.tenant, name, request)
    calls, skipped = await _calls(services, caller.tenant, request, prompt)
    groups = _grouped(calls)
    generated = evaluation_workflow(
        name_for(name).replace("evaluate-", "try-", 1),
        [{"agent": agent.name} for agent, _ in groups],
        request.graders,
        request.concurrency,
        request.limits,
    )
    about = Evaluated(
        kind="trial", agent=request.agent, prompt=_told(prompt, request), graders=request.graders, cases=len(calls)
    )
    batch = Batch(agents={agent.name: agent for agent, _ in groups}, workflows=generated.others)
    value = {"groups": [cases for _, cases in groups]}
    made = Made(generated.workflow, batch, value, about)
    execution = await start_generated(services, client, caller, made, idempotency)
    return execution, skipped


async def _prompt(tenant: str, name: str, request: TryRequest) -> PinnedPrompt:
    if request.draft is None:
        stored = await existing_definition(PROMPTS, tenant, name, request.version)
        return pinned(stored.definition, stored.version)
    if request.version is not None:
        raise _refused("/draft", "write `version` or `draft`, not both")
    await existing_definition(PROMPTS, tenant, name)
    [draft] = drafted(request.draft).values()
    return pinned(draft.model_copy(update={"name": name}), None)


def _told(prompt: PinnedPrompt, request: TryRequest) -> str:
    return f"{prompt.name} (draft)" if request.draft else prompt.reference


async def _calls(
    services: Services, tenant: str, request: TryRequest, prompt: PinnedPrompt
) -> tuple[list[_Call], list[Skipped]]:
    """Every call that can be made again. Raises `ProblemError` when there is none, or they are too many."""
    calls: list[_Call] = []
    skipped: list[Skipped] = []
    size = 0
    for execution in await _executions(services, tenant, request):
        reader = _Reader(services, execution, request, prompt)
        found = [call async for call in reader.calls()]
        calls += found
        size += size_of([call.case for call in found])
        if len(calls) > MOST_CALLS or size > MOST_BYTES:
            most = f"{MOST_CALLS} calls, or {MOST_BYTES // 1024**2} MiB of them"
            raise _refused("/executions", f"these have more than {most}; name fewer")
        if not found:
            skipped.append(Skipped(execution.id, reader.reason))
    if not calls:
        reasons = "; ".join(f"{one.execution}: {one.reason}" for one in skipped[:5]) or "there are no executions"
        raise _refused("/executions", f"there is no call to try it on ({reasons})")
    return calls, skipped


async def _executions(services: Services, tenant: str, request: TryRequest) -> list[Execution]:
    if isinstance(request.executions, Past):
        past = request.executions
        found, _ = await services.executions.list(tenant, workflow=past.workflow, limit=past.last)
        return found
    records = await asyncio.gather(*(services.executions.get(tenant, id) for id in request.executions))
    for id, record in zip(request.executions, records, strict=True):
        if record is None:
            raise ProblemError(not_found("execution", id))
    return [record for record in records if record is not None]


class _Reader:
    """The calls of the agent in one execution."""

    def __init__(self, services: Services, execution: Execution, request: TryRequest, prompt: PinnedPrompt) -> None:
        self._services = services
        self._execution = execution
        self._request = request
        self._prompt = prompt
        self.reason = f"no call of `{request.agent}` has been answered"

    async def calls(self) -> AsyncIterator[_Call]:
        tenant = self._execution.tenant
        plan = await self._services.plans.load(tenant, self._execution.plan)
        async for events in self._answers(plan):
            sources = [str(event.data.get("reused_from", self._execution.id)) for event in events]
            marks: dict[tuple[str, str], Json] = {}
            for source in dict.fromkeys(sources):
                keys = [event.data["call"] for event, from_ in zip(events, sources, strict=True) if from_ == source]
                asked_then = await self._services.ledger.asked(tenant, source, keys)
                marks |= {(source, key): mark for key, mark in asked_then.items()}
            for event, source in zip(events, sources, strict=True):
                mark = marks.get((source, event.data["call"]))
                if mark is None:
                    self.reason = "what was asked is not known: it ran under an earlier release, or used tools"
                else:
                    yield await self._call(plan, event, source, mark)

    async def _answers(self, plan: Plan) -> AsyncIterator[list[Event]]:
        """By the page, the answers that the agent gave for itself, and not as a chair, judge or summariser."""
        own = {reference for reference in plan.agents if split_reference(reference)[0] == self._request.agent}
        if not own:
            self.reason = f"it has no agent `{self._request.agent}`"
            return
        after = 0
        while page := await self._services.events.read(self._execution.tenant, self._execution.id, after, PAGE):
            yield [
                event
                for event in page
                if event.type in (EventType.CALL_COMPLETED, EventType.CALL_REJECTED)
                and event.agent in own
                and "role" not in event.data
            ]
            after = page[-1].offset

    async def _call(self, plan: Plan, event: Event, source: str, mark: Json) -> _Call:
        then = plan.agents[event.agent or ""]
        prompt = _PROMPTS.validate_python(mark["prompt"])
        loader = Loader(self._services, self._execution.tenant, source)
        task = prompt if isinstance(prompt, TemplatePrompt) else prompt.task
        scope = await loader.plain(task.scope)
        text = messages(then, prompt, scope, *await loader.seen(prompt))[-1]["content"]
        value = await loader.input_at(event.step or "")
        schema = mark.get("schema") or (then.output_schema if isinstance(prompt, TemplatePrompt) else None)
        agent = self._agent(then, value).model_copy(update={"output_schema": schema})
        call, error = event.data["call"], event.data.get("error", {}).get("message")
        output = await self._services.events.value(self._execution.tenant, self._execution.id, event)
        recorded = Recorded(
            execution=self._execution.id,
            step=event.step or "",
            call=call,
            output=None if error else output,
            error=error,
            usage=Usage.model_validate(event.data.get("used_then") or event.data["usage"]),
        )
        case = {
            "id": f"{self._execution.id}/{call}"[:200],
            "input": text,
            "expected": None,
            "recorded": recorded.model_dump(mode="json", exclude_defaults=True),
        }
        return _Call(agent, case)

    def _agent(self, then: Agent, value: Json) -> Agent:
        """The agent as it was, with the instructions that the prompt gives. Raises `ProblemError`."""
        given = then.variables if self._request.variables is None else self._request.variables
        if self._request.variables is None:
            given = {name: one for name, one in given.items() if name in self._prompt.variables}
        named = then.model_copy(update={"prompt": self._prompt.name, "variables": given})
        if mistakes := check_given(named, {self._prompt.name: self._prompt}).errors:
            raise ProblemError(request_problem(mistakes))
        refuse_filled({then.name: named}, {then.name: self._prompt}, value)
        text = instructions(self._prompt, given, value)
        if not text.strip():
            raise ProblemError(invalid_input("The prompt gives no instructions at all."))
        plain: dict[str, Any] = {"prompt": None, "variables": {}, "tools": (), "instructions": text}
        return then.model_copy(update=plain)


def _grouped(calls: Sequence[_Call]) -> list[tuple[Agent, list[dict[str, Json]]]]:
    """The calls of each agent; agents that differ in anything get names of their own."""
    found: dict[str, tuple[Agent, list[dict[str, Json]]]] = {}
    for call in calls:
        key = content_hash(call.agent.model_dump(mode="json"))
        found.setdefault(key, (call.agent, []))[1].append(call.case)
    if len(found) > MOST_GROUPS:
        message = f"these make {len(found)} different instructions of it, and at most {MOST_GROUPS} are tried at once"
        raise _refused("/executions", message)
    if len(found) == 1:
        return list(found.values())
    return [
        (agent.model_copy(update={"name": f"{agent.name[:58]}-{number}"}), cases)
        for number, (agent, cases) in enumerate(found.values(), start=1)
    ]


def _refused(pointer: str, message: str) -> ProblemError:
    return ProblemError(request_problem((Detail(pointer=pointer, message=message),)))
