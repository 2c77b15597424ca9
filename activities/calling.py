"""Make one model call, exactly once as far as anyone can: look it up, begin it, stream it, record it, then return."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from activities.loading import Loader
from domain import values
from domain.agents import Agent
from domain.calls import PREVIEW_CHARACTERS, CallOutcome, ModelCall, TemplatePrompt, completed_id
from domain.errors import Problem, ProblemError, canceled
from domain.events import Delta, Draft, Event, EventType
from domain.expressions import as_text
from domain.plans import content_hash
from domain.prompts import messages
from domain.usage import Usage
from domain.values import Json
from services.models.client import ModelAnswer, ModelRequest
from services.wiring import Services


async def perform_call(call: ModelCall, services: Services) -> tuple[CallOutcome, list[Event]]:
    """The outcome, and the events that ended the call (for whoever pushes them to watchers)."""
    return await _Call(call, services).perform()


class _Call:
    """One attempt at one model call."""

    def __init__(self, call: ModelCall, services: Services) -> None:
        self.call = call
        self.services = services
        self.loader = Loader(services, call.tenant, call.execution)
        self.attempt = 0

    async def perform(self) -> tuple[CallOutcome, list[Event]]:
        call, services = self.call, self.services
        entry = await services.ledger.look_up(call.tenant, call.execution, call.key)
        if entry.watched:
            services.realtime.watch(call.tenant, call.execution)
        if entry.answer is not None:
            events = await self._append(*call.events)
            return await self._outcome_of(entry.answer), [*events, entry.answer]
        if entry.canceled:
            return CallOutcome(error=canceled()), []
        self.attempt = entry.begun + 1
        try:
            request = await self._request()
        except ProblemError as error:
            return await self._failed(error.problem, call.events)
        return await self._reused(request) or await self._make(request)

    async def _request(self) -> ModelRequest:
        """The messages and settings; everything a change of which would deserve a new answer."""
        call = self.call
        plan = await self.services.plans.load(call.tenant, call.plan)
        agent = plan.agents[call.agent]
        prompt = call.prompt
        task = prompt if isinstance(prompt, TemplatePrompt) else prompt.task
        scope = await self.loader.plain(task.scope)
        view = () if isinstance(prompt, TemplatePrompt) else prompt.view
        said = await self.loader.recorded([turn.event for turn in view])
        turns = [(turn.speaker, as_text(said[turn.event])) for turn in view]
        return ModelRequest(
            messages=messages(agent, prompt, scope, turns),
            alias=agent.model,
            temperature=agent.temperature,
            max_output_tokens=agent.max_output_tokens,
            response_schema=call.output_schema or _schema_of(agent, call),
            idempotency_key=f"{call.execution}:{call.key}",
        )

    async def _reused(self, request: ModelRequest) -> tuple[CallOutcome, list[Event]] | None:
        """The answer to the very same request in the execution this one retries, so that it is not paid for again."""
        call = self.call
        if call.retry_of is None:
            return None
        entry = await self.services.ledger.look_up(call.tenant, call.retry_of, call.key)
        if entry.answer is None or entry.answer.data["request"] != _fingerprint(request):
            return None
        value = await self.services.events.value(call.tenant, call.retry_of, entry.answer)
        free = Usage().model_dump(mode="json")
        data = {**entry.answer.data, "usage": free, "reused_from": call.retry_of}
        events = await self._append(*call.events, self._completed(value, data))
        return await self._outcome_of(events[-1]), events

    async def _make(self, request: ModelRequest) -> tuple[CallOutcome, list[Event]]:
        # The call need not wait until its beginning is on disk: nothing counts before the answer is.
        begun = asyncio.create_task(self._begin(request.alias))
        await asyncio.sleep(0)  # the beginning is handed to the log first, and so stands there first
        try:
            return await self._answered(request)
        finally:
            await begun

    async def _answered(self, request: ModelRequest) -> tuple[CallOutcome, list[Event]]:
        before = monotonic()
        try:
            answer = await self.services.models.complete(request, self._live_text())
        except ProblemError as error:
            return await self._failed(error.problem)
        data = _facts(answer, request, seconds=round(monotonic() - before, 3))
        events = await self._append(self._completed(answer.value, {**self._about(), **data}))
        return await self._outcome_of(events[-1]), events

    async def _begin(self, alias: str) -> None:
        call, services = self.call, self.services
        started = self._draft(EventType.CALL_STARTED, f":{self.attempt}", model=alias)
        drafts = [*call.events, started]
        events = await services.ledger.begin(call.tenant, call.execution, call.key, self.attempt, drafts)
        services.realtime.publish_events(call.tenant, call.execution, events)

    async def _failed(self, problem: Problem, first: Sequence[Draft] = ()) -> tuple[CallOutcome, list[Event]]:
        facts: dict[str, Json] = {"error": problem.model_dump(mode="json", exclude_none=True)}
        retry, failures = self.call.retry, self.call.failures + 1
        if problem.retryable and failures < retry.attempts:
            facts["retry_in"] = retry.delay(failures, problem.retry_after).total_seconds()
        events = await self._append(*first, self._draft(EventType.CALL_FAILED, f":{self.attempt}", **facts))
        return CallOutcome(error=problem), events

    def _live_text(self) -> Any:
        """Passes pieces of the answer on to watchers as they come, each with its position in the whole."""
        call, position = self.call, 0

        def show(text: str) -> None:
            nonlocal position
            delta = Delta(
                step=call.step, agent=call.agent, call=call.key, attempt=self.attempt, position=position, text=text
            )
            position += len(text)
            self.services.realtime.publish_delta(call.tenant, call.execution, delta)

        return show

    async def _append(self, *drafts: Draft) -> list[Event]:
        return await self.services.events.append(self.call.tenant, self.call.execution, drafts)

    async def _outcome_of(self, event: Event) -> CallOutcome:
        value = await self.services.events.value(self.call.tenant, self.call.execution, event)
        text = as_text(value)
        return CallOutcome(
            value=values.recorded(value, event.id),
            said=tuple(word for word in self.call.watch if word in text),
            preview=text[:PREVIEW_CHARACTERS],
        )

    def _about(self) -> dict[str, Json]:
        return {"call": self.call.key, "attempt": self.attempt, **self.call.data}

    def _completed(self, value: Json, data: dict[str, Json]) -> Draft:
        draft = self._draft(EventType.CALL_COMPLETED, "")
        return draft.model_copy(update={"id": completed_id(self.call.key), "value": value, "data": data})

    def _draft(self, type: EventType, suffix: str, **data: Json) -> Draft:
        return Draft(
            id=f"{self.call.key}:{type}{suffix}",
            type=type,
            time=datetime.now(UTC),
            step=self.call.step,
            agent=self.call.agent,
            data={**self._about(), **data},
        )


def _schema_of(agent: Agent, call: ModelCall) -> dict[str, Any] | None:
    """An agent's own schema shapes its answers to a step; in a chat it speaks freely."""
    return agent.output_schema if isinstance(call.prompt, TemplatePrompt) else None


def _fingerprint(request: ModelRequest) -> str:
    """The same for two requests that may share an answer: everything sent, but for the key."""
    sent = request.model_dump(mode="json", exclude={"idempotency_key"})
    return content_hash(sent)


def _facts(answer: ModelAnswer, request: ModelRequest, seconds: float) -> dict[str, Json]:
    usage = Usage(model_calls=1, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out, cost_usd=answer.cost_usd)
    return {
        "model": answer.model,
        "usage": usage.model_dump(mode="json"),
        "seconds": seconds,
        "finish_reason": answer.finish_reason,
        "request": _fingerprint(request),
    }
