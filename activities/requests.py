"""What a model is asked in one call, and how two requests are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from activities.loading import Loader
from domain.agents import Agent
from domain.calls import ModelCall
from domain.expressions import as_text
from domain.plans import Plan
from domain.prompt_shapes import TemplatePrompt
from domain.prompts import messages, repaired
from domain.tool_use import said, specs_of, tools_of
from domain.usage import Usage
from domain.values import Json, content_hash, size_of
from services.context import fitted
from services.models.client import ModelAnswer, ModelRequest
from services.wiring import Services

ASKED_BYTES = 65_536
"""What a request was made of is remembered up to this size: what an orchestrator holds is small, but for long lists."""


@dataclass(frozen=True)
class Asked:
    """A request, the plan it was made from, the tools it offers by name, and `facts` for the event of its beginning."""

    request: ModelRequest
    plan: Plan
    offered: Mapping[str, str]
    facts: Mapping[str, Json]


async def asked_of(call: ModelCall, services: Services, loader: Loader) -> Asked:
    """The messages and settings; everything a change of which would deserve a new answer. Raises `ProblemError`."""
    plan = await services.plans.load(call.tenant, call.plan)
    agent = await loader.agent(plan, call.agent, call.step)
    prompt, offered = call.prompt, tools_of(agent, call.prompt)
    rounds = await loader.played(call.rounds)
    task = prompt if isinstance(prompt, TemplatePrompt) else prompt.task
    scope = await loader.plain(task.scope)
    told = partial(messages, agent, prompt, scope, *await loader.seen(prompt))
    asked = [*told(), *said(rounds)]
    if call.repair is not None:
        rejected = await loader.recorded([call.repair.rejected])
        asked = repaired(asked, as_text(rejected[call.repair.rejected]), call.repair.complaint)
    request = ModelRequest(
        messages=asked,
        alias=agent.model,
        temperature=agent.temperature,
        max_output_tokens=agent.max_output_tokens,
        response_schema=call.output_schema or _schema_of(agent, call),
        tools=specs_of(plan, offered, [results for _, results in rounds]),
        must_answer=bool(offered) and len(rounds) >= agent.max_rounds,
        escalated=call.escalated,
        idempotency_key=f"{call.execution}:{call.key}",
    )
    window = await services.model_registry.window(request.alias, escalated=request.escalated)
    sent = await fitted(request, prompt, told, *window)
    return Asked(sent.request, plan, offered, sent.facts)


def remembered(call: ModelCall) -> Json:
    """What its first request was made of, so that another prompt can be tried on the same one day."""
    if call.rounds or call.repair is not None:
        return None
    prompt = call.prompt.model_dump(mode="json", exclude_defaults=True)
    made_of = {"prompt": prompt, **({"schema": call.output_schema} if call.output_schema else {})}
    return made_of if size_of(made_of) <= ASKED_BYTES else None


def facts_of(answer: ModelAnswer, request: ModelRequest, seconds: float) -> dict[str, Json]:
    """What the event of an answer says of it."""
    usage = Usage(model_calls=1, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out, cost_usd=answer.cost_usd)
    facts: dict[str, Json] = {}
    if answer.alias is not None and answer.alias != request.alias:
        facts["alias"] = answer.alias
    if answer.passed_over:
        facts["passed_over"] = [passed.model_dump(mode="json") for passed in answer.passed_over]
    return {
        **facts,
        "model": answer.model,
        "usage": usage.model_dump(mode="json"),
        "seconds": seconds,
        "finish_reason": answer.finish_reason,
        "request": fingerprint(request),
        "asked": parts_of(request),
    }


def fingerprint(request: ModelRequest) -> str:
    """The same for two requests that may share an answer: everything sent, but for the key."""
    # What a release has added counts only where it is used: what earlier ones recorded is still found.
    unused = {name for name in ("tools", "must_answer", "escalated") if not getattr(request, name)}
    return content_hash(request.model_dump(mode="json", exclude={"idempotency_key", *unused}))


def parts_of(request: ModelRequest) -> dict[str, str]:
    """A few digits for each part of a request, by which two that are not the same are told apart."""
    parts: dict[str, Json] = {
        "the prompt": request.messages,
        "the model": request.alias,
        "the settings": [request.temperature, request.max_output_tokens, request.must_answer],
        "the output schema": request.response_schema,
        "the tools": [tool.model_dump(mode="json") for tool in request.tools],
    }
    return {name: content_hash(part)[:8] for name, part in parts.items() if part}


def _schema_of(agent: Agent, call: ModelCall) -> dict[str, Any] | None:
    """An agent's own schema shapes its answers to a step; in a chat it speaks freely."""
    return agent.output_schema if isinstance(call.prompt, TemplatePrompt) else None
