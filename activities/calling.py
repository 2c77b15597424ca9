"""Make one model call, exactly once as far as anyone can: look it up, begin it, stream it, record it, then return."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

from pydantic import ValidationError

from activities.budgeting import Budgeted
from activities.loading import Loader
from activities.pausing import pause_at_cap
from activities.recording import Recorder
from activities.replaying import unanswered
from activities.stopping import unless_stopped
from domain.agents import Agent
from domain.calls import CallOutcome, ModelCall
from domain.caps import CapReached
from domain.errors import Code, Problem, ProblemError, canceled
from domain.events import Delta, Draft, Event, EventType
from domain.expressions import as_text
from domain.plans import Plan, content_hash
from domain.prompt_shapes import TemplatePrompt
from domain.prompts import messages, repaired
from domain.tool_use import asking, said, specs_of, tools_of
from domain.toolcalls import ToolAnswer
from domain.usage import Usage
from domain.values import Json, size_of
from services.context import Fitted, fitted
from services.documents.base import Delete, Operation
from services.ledger import Entry
from services.models.client import AnswerRejected, ModelAnswer, ModelRequest
from services.models.problems import bad_answer
from services.waits import waiting, waiting_id
from services.wiring import Services

ASKED_BYTES = 65_536
"""What a request was made of is remembered up to this size: what an orchestrator holds is small, but for long lists."""


async def perform_call(call: ModelCall, services: Services) -> tuple[CallOutcome, list[Event]]:
    """The outcome, and the events that ended the call (for whoever pushes them to watchers)."""
    return await _Call(call, services).perform()


class _Call:
    """One attempt at one model call."""

    def __init__(self, call: ModelCall, services: Services) -> None:
        self.call = call
        self.services = services
        self.loader = Loader(services, call.tenant, call.execution)
        self.record = Recorder(call, services)
        self.budget = Budgeted(call, services)
        self.attempt = 0
        self.waited = False
        self.said: list[str] = []
        self.sent: Fitted | None = None
        self.plan: Plan | None = None
        self.offered: dict[str, str] = {}

    async def perform(self) -> tuple[CallOutcome, list[Event]]:
        call, services = self.call, self.services
        entry = await services.ledger.look_up(call.tenant, call.execution, call.key, call.step)
        if entry.watched:
            services.realtime.watch(call.tenant, call.execution)
        if entry.answer is not None:
            events = await self._append(call.events)
            await self.budget.found(Usage.model_validate(entry.answer.data["usage"]))
            return await self.record.outcome_of(entry.answer), [*events, entry.answer]
        if (stopped := await self._stopped(entry)) is not None:
            return stopped
        self.attempt, self.waited = entry.begun + 1, entry.standing.waited
        try:
            request = await self._request()
        except ProblemError as error:
            return await self._failed(error.problem, call.events)
        if (again := await self._reused(request)) is not None:
            return again
        if call.offline:
            return await self._unlike(request)
        return await self._cached(request) or await self._make(request)

    async def _stopped(self, entry: Entry) -> tuple[CallOutcome, list[Event]] | None:
        """What comes of a call that is not to be made, or not yet."""
        call, standing = self.call, entry.standing
        if standing.canceled:
            # After its end nothing more is logged of an execution.
            # A beginning that a crash cut off may have left its reservation.
            left = Usage() if entry.begun else None
            events = [] if standing.ended else await self._append(call.events, usage=left)
            return CallOutcome(error=canceled()), events
        if standing.control is not None and standing.is_paused:
            drafts = [*call.events, self.record.draft(EventType.STEP_WAITING, f":{call.tries}", 0, **{"for": "resume"})]
            if await self.services.controls.hold(call, standing.control, drafts):
                held = CallOutcome(held=True)
                return (CallOutcome(error=canceled()) if await self._is_canceled() else held), []
            return await self.perform()  # it was changed in the meantime
        return None

    async def _request(self) -> ModelRequest:
        """The messages and settings; everything a change of which would deserve a new answer."""
        call = self.call
        plan = await self.services.plans.load(call.tenant, call.plan)
        agent = await self.loader.agent(plan, call.agent, call.step)
        prompt = call.prompt
        self.plan, self.offered = plan, tools_of(agent, call.prompt)
        rounds = await self.loader.played(call.rounds)
        task = prompt if isinstance(prompt, TemplatePrompt) else prompt.task
        scope = await self.loader.plain(task.scope)
        told = partial(messages, agent, prompt, scope, *await self.loader.seen(prompt))
        asked = [*told(), *said(rounds)]
        if call.repair is not None:
            rejected = await self.loader.recorded([call.repair.rejected])
            asked = repaired(asked, as_text(rejected[call.repair.rejected]), call.repair.complaint)
        request = ModelRequest(
            messages=asked,
            alias=agent.model,
            temperature=agent.temperature,
            max_output_tokens=agent.max_output_tokens,
            response_schema=call.output_schema or _schema_of(agent, call),
            tools=specs_of(plan, self.offered, [results for _, results in rounds]),
            must_answer=bool(self.offered) and len(rounds) >= agent.max_rounds,
            escalated=call.escalated,
            idempotency_key=f"{call.execution}:{call.key}",
        )
        window = await self.services.model_registry.window(request.alias, escalated=request.escalated)
        self.sent = await fitted(request, prompt, told, *window)
        return self.sent.request

    async def _reused(self, request: ModelRequest) -> tuple[CallOutcome, list[Event]] | None:
        """The answer to the very same request in the execution this one goes on from, so that it is not paid again."""
        call = self.call
        if call.retry_of is None:
            return None
        entry = await self.services.ledger.look_up(call.tenant, call.retry_of, call.key, call.step)
        answer = entry.answer
        if answer is None or answer.data["request"] != _fingerprint(request):
            return None
        if _was_in_vain(answer) and not call.offline:
            return None
        if call.retry_until is not None and answer.offset >= call.retry_until:
            return None
        value = await self.services.events.value(call.tenant, call.retry_of, answer)
        free = Usage().model_dump(mode="json")
        used = answer.data.get("used_then", answer.data["usage"])
        data = {**answer.data, "usage": free, "used_then": used, "reused_from": call.retry_of}
        draft = self.record.answer(answer.type, value, data)
        if answer.type is EventType.CALL_ASKED:
            # What is to be done about each call is found anew: the other's log may come from elsewhere.
            try:
                draft = self._asking(ToolAnswer.model_validate(value), data)
            except ValidationError:
                return None
        events = await self._append([*call.events, draft])
        return await self.record.outcome_of(events[-1]), events

    async def _unlike(self, request: ModelRequest) -> tuple[CallOutcome, list[Event]]:
        """What comes of a call that a replay finds no answer to."""
        problem = await unanswered(self.services, self.call, _parts(request))
        return await self._failed(problem, self.call.events)

    async def _cached(self, request: ModelRequest) -> tuple[CallOutcome, list[Event]] | None:
        """An answer to the same request that its model's alias has kept: free, and said to be so."""
        answer = await self.services.answers.find(self.call.tenant, request)
        if answer is None:
            return None
        free = Usage()
        data = {**_facts(answer, request, seconds=0), "usage": free.model_dump(mode="json"), "cached": True}
        over: list[Operation] = [Delete(waiting_id(self.call.key))] if self.waited else []
        draft, _ = self._told(answer, None, request, data)
        # An attempt that a crash cut off may have left its reservation.
        events = await self._append([*self.call.events, draft], *over, usage=free if self.attempt > 1 else None)
        return await self.record.outcome_of(events[-1]), events

    async def _make(self, request: ModelRequest) -> tuple[CallOutcome, list[Event]]:
        if await self.budget.limited():
            # A budget is reserved before anything is asked.
            try:
                await self._begin(request)
            except CapReached as error:
                return await self._refused(error)
            except ProblemError as error:
                return await self._failed(error.problem, self.call.events)
            return await self._answered(request)
        # The call need not wait until its beginning is on disk: nothing counts before the answer is.
        begun = asyncio.create_task(self._begin(request))
        await asyncio.sleep(0)  # the beginning is handed to the log first, and so stands there first
        try:
            return await self._answered(request)
        finally:
            await begun

    async def _refused(self, error: CapReached) -> tuple[CallOutcome, list[Event]]:
        """What comes of a call that its budgets do not allow: it fails, or its execution pauses and it is held."""
        if not error.pauses:
            return await self._failed(error.problem, self.call.events)
        try:
            is_held = await pause_at_cap(self.services, self.call, error)
        except ProblemError as ended:
            return CallOutcome(error=ended.problem), []
        return (CallOutcome(held=True), []) if is_held else await self.perform()

    async def _answered(self, request: ModelRequest) -> tuple[CallOutcome, list[Event]]:
        before = monotonic()
        rejected: Problem | None = None
        try:
            asking = self.services.models.complete(request, self._live_text())
            answer = await unless_stopped(self.services, self.call, asking)
        except AnswerRejected as error:
            answer, rejected = error.answer, error.problem
        except ProblemError as error:
            return await self._failed(error.problem, spent=await self.budget.broken_off(request, "".join(self.said)))
        facts = _facts(answer, request, seconds=round(monotonic() - before, 3))
        draft, rejected = self._told(answer, rejected, request, facts)
        events = await self._append([draft], usage=Usage.model_validate(facts["usage"]))
        if rejected is None:
            await self.services.answers.keep(self.call.tenant, request, answer)
        return await self.record.outcome_of(events[-1]), events

    def _told(
        self, answer: ModelAnswer, rejected: Problem | None, request: ModelRequest, facts: Mapping[str, Json]
    ) -> tuple[Draft, Problem | None]:
        """The event of an answer that is there, and what is wrong with it, if anything is."""
        data = {**self.record.about(self.attempt), **facts}
        draft = self.record.answer(EventType.CALL_COMPLETED, answer.value, data)
        if answer.tool_calls and request.must_answer:
            rejected = bad_answer("it asks for tools again, and should have answered.").problem
        elif answer.tool_calls and rejected is None:
            draft = self._asking(ToolAnswer(text=answer.text, tool_calls=answer.tool_calls), data)
        if rejected is not None:
            data["error"] = rejected.model_dump(mode="json", exclude_none=True)
            draft = self.record.answer(EventType.CALL_REJECTED, answer.text, data)
        return draft, rejected

    def _asking(self, answer: ToolAnswer, data: dict[str, Json]) -> Draft:
        """The answer asks for tools: recorded with what is to be done about each."""
        if self.plan is None:
            raise RuntimeError("a request is made before it is answered")
        asks = asking(answer.tool_calls, self.plan, self.offered, self.call.rounds)
        data["asks"] = [one.model_dump(mode="json", exclude_defaults=True) for one in asks]
        return self.record.answer(EventType.CALL_ASKED, answer.model_dump(mode="json", exclude_none=True), data)

    async def _begin(self, request: ModelRequest) -> None:
        call, services = self.call, self.services
        sent = self.sent.facts if self.sent else {}
        started = self.record.draft(
            EventType.CALL_STARTED, f":{self.attempt}", self.attempt, model=request.alias, **sent
        )
        drafts = [*call.events, started]
        over: list[Operation] = [Delete(waiting_id(call.key))] if self.waited else []

        async def write(*reserved: Operation) -> list[Event]:
            where = call.tenant, call.execution, call.key, self.attempt
            return await services.ledger.begin(*where, drafts, *over, *reserved, asked=_asked(call))

        events = await self.budget.reserved(request, write)
        services.realtime.publish_events(call.tenant, call.execution, events)

    async def _failed(
        self, problem: Problem, first: Sequence[Draft] = (), spent: Usage | None = None
    ) -> tuple[CallOutcome, list[Event]]:
        facts: dict[str, Json] = {"error": problem.model_dump(mode="json", exclude_none=True)}
        retry, failures = self.call.retry, self.call.failures + 1
        waits: list[Operation] = []
        if retry.applies_to(problem) and failures < retry.attempts and not self.call.offline:
            facts["retry_in"] = retry.delay(failures, problem.retry_after).total_seconds()
            waits.append(waiting(self.call))
        if spent is not None:
            facts["spent"] = spent.model_dump(mode="json")
        if self.said and problem.code is not Code.CANCELED:
            facts["discard"] = sum(map(len, self.said))
        draft = self.record.draft(EventType.CALL_FAILED, f":{self.attempt}", self.attempt, **facts)
        if problem.code is Code.CANCELED and self.said:
            # What it had said by then was perhaps paid for, and may be of use to people.
            data = {**draft.data, "partial": True}
            draft = draft.model_copy(update={"value": "".join(self.said), "data": data})
        events = await self._append([*first, draft], *waits, usage=spent or Usage())
        gone = bool(waits) and await self._is_canceled()
        return CallOutcome(error=canceled() if gone else problem, final=self.call.offline), events

    async def _is_canceled(self) -> bool:
        """Asked again after a note was left that the call waits: whoever cancels now finds the note."""
        return (await self.services.controls.standing(self.call)).canceled

    def _live_text(self) -> Any:
        """Passes pieces of the answer on to watchers as they come, each with its position in the whole."""
        call, position = self.call, 0

        def show(text: str) -> None:
            nonlocal position
            delta = Delta(
                step=call.step, agent=call.agent, call=call.key, attempt=self.attempt, position=position, text=text
            )
            position += len(text)
            self.said.append(text)
            self.services.realtime.publish_delta(call.tenant, call.execution, delta)

        return show

    async def _append(self, drafts: Sequence[Draft], *operations: Operation, usage: Usage | None = None) -> list[Event]:
        """Log it; with `usage`, settle the budgets in the same write."""

        async def write(*settled: Operation) -> list[Event]:
            where = self.call.tenant, self.call.execution
            return await self.services.events.append(*where, drafts, *operations, *settled)

        return await (write() if usage is None else self.budget.settled(usage, write))


def _asked(call: ModelCall) -> Json:
    """What its first request was made of, so that another prompt can be tried on the same one day."""
    if call.rounds or call.repair is not None:
        return None
    prompt = call.prompt.model_dump(mode="json", exclude_defaults=True)
    asked = {"prompt": prompt, **({"schema": call.output_schema} if call.output_schema else {})}
    return asked if size_of(asked) <= ASKED_BYTES else None


def _schema_of(agent: Agent, call: ModelCall) -> dict[str, Any] | None:
    """An agent's own schema shapes its answers to a step; in a chat it speaks freely."""
    return agent.output_schema if isinstance(call.prompt, TemplatePrompt) else None


def _fingerprint(request: ModelRequest) -> str:
    """The same for two requests that may share an answer: everything sent, but for the key."""
    # What a release has added counts only where it is used: what earlier ones recorded is still found.
    unused = {name for name in ("tools", "must_answer", "escalated") if not getattr(request, name)}
    return content_hash(request.model_dump(mode="json", exclude={"idempotency_key", *unused}))


def _was_in_vain(answer: Event) -> bool:
    """Whether its step failed for want of a better answer, so that going on from there means to ask once more.

    One that was sent back or not accepted has a successor; a chat does without what a chair or a judge could not say.
    """
    if answer.type is not EventType.CALL_REJECTED or "role" in answer.data:
        return False
    if answer.data["error"]["code"] == Code.MODEL_NOT_ACCEPTED:
        return False
    return answer.data["error"]["code"] != Code.MODEL_BAD_ANSWER or "repairs" in answer.data


def _facts(answer: ModelAnswer, request: ModelRequest, seconds: float) -> dict[str, Json]:
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
        "request": _fingerprint(request),
        "asked": _parts(request),
    }


def _parts(request: ModelRequest) -> dict[str, str]:
    """A few digits for each part of a request, by which two that are not the same are told apart."""
    parts: dict[str, Json] = {
        "the prompt": request.messages,
        "the model": request.alias,
        "the settings": [request.temperature, request.max_output_tokens, request.must_answer],
        "the output schema": request.response_schema,
        "the tools": [tool.model_dump(mode="json") for tool in request.tools],
    }
    return {name: content_hash(part)[:8] for name, part in parts.items() if part}
