"""Make one model call, exactly once as far as anyone can: look it up, begin it, stream it, record it, then return."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from pydantic import ValidationError

from activities.attempts import CallAttempt, Result
from activities.budgeting import Budgeted
from activities.loading import Loader
from activities.noting import note_answer, note_request
from activities.pausing import pause_at_cap
from activities.replaying import unanswered
from activities.requests import Asked, asked_of, facts_of, fingerprint, parts_of, remembered
from activities.stopping import unless_stopped
from domain.calls import CallOutcome, ModelCall
from domain.caps import CapReached
from domain.errors import Code, Problem, ProblemError, canceled
from domain.events import Delta, Draft, Event, EventType
from domain.tool_use import asking
from domain.toolcalls import ToolAnswer
from domain.usage import Usage
from domain.values import Json
from services.documents.base import Conflict, Operation
from services.eventlog import Logged
from services.ledger import Entry, noted_mark
from services.models.client import AnswerRejected, ModelAnswer
from services.models.problems import bad_answer
from services.wiring import Services


async def perform_call(call: ModelCall, services: Services) -> Result:
    """The outcome, and the events that ended the call (for whoever pushes them to watchers)."""
    return await _Call(call, services).perform()


class _Call(CallAttempt[ModelCall]):
    def __init__(self, call: ModelCall, services: Services) -> None:
        super().__init__(call, services)
        self.loader = Loader(services, call.tenant, call.execution)
        self.budget = Budgeted(call, services)
        self.said: list[str] = []

    async def _found(self, answer: Event) -> Result:
        await self.budget.found(Usage.model_validate(answer.data["usage"]))
        return await super()._found(answer)

    async def _canceled(self, entry: Entry) -> Result:
        if entry.standing.ended or not entry.begun:
            return await super()._canceled(entry)
        # A beginning that a crash cut off may have left its reservation.
        return CallOutcome(error=canceled()), await self._settled(Usage(), self.call.events)

    async def _go_on(self, entry: Entry) -> Result:
        try:
            asked = await asked_of(self.call, self.services, self.loader)
        except ProblemError as error:
            return await self._failed(error.problem, self.call.events)
        if (again := await self._earlier(asked)) is not None:
            return again
        if self.call.offline:
            problem = await unanswered(self.services, self.call, parts_of(asked.request))
            return await self._failed(problem, self.call.events)
        return await self._cached(asked) or await self._make(asked)

    async def _made_at_once(self) -> Result | None:
        call, services = self.call, self.services
        if call.retry_of is not None or call.offline:
            return None
        try:
            asked = await asked_of(call, services, self.loader)
        except ProblemError:
            return None
        if await services.answers.keeps(asked.request.alias):
            return None
        self.attempt = 1
        await self.budget.limited()
        if self.budget.is_of_tenant:
            return None  # an attempt that was cut off may have left its reservation there, which has to be found first
        try:
            await self._begin(asked, head=call.head)
        except (Conflict, ProblemError):
            self.budget = Budgeted(call, services)
            return None
        self.record.begin()
        note_request(services, asked.request)
        return await self._answered(asked)

    async def _earlier(self, asked: Asked) -> Result | None:
        """The answer to the very same request in the execution this one goes on from, so that it is not paid again."""
        call = self.call
        if call.retry_of is None:
            return None
        answer = (await self.services.ledger.look_up(call.tenant, call.retry_of, call.key, call.step)).answer
        if answer is None or answer.data["request"] != fingerprint(asked.request):
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
                draft = self._asking(ToolAnswer.model_validate(value), asked, data)
            except ValidationError:
                return None
        return await self._reused(draft)

    async def _cached(self, asked: Asked) -> Result | None:
        """An answer to the same request that its model's alias has kept: free, and said to be so."""
        answer = await self.services.answers.find(self.call.tenant, asked.request)
        if answer is None:
            return None
        free = Usage()
        facts = facts_of(answer, asked.request, seconds=0)
        draft, _ = self._told(answer, None, asked, {**facts, "usage": free.model_dump(mode="json"), "cached": True})
        drafts = [*self.call.events, draft]
        # An attempt that a crash cut off may have left its reservation.
        is_first = self.attempt == 1
        operations = [noted_mark(self.call.key, self.attempt, remembered(self.call)), *self._over()]
        events = await (self._append(drafts, *operations) if is_first else self._settled(free, drafts, *operations))
        return await self.record.outcome_of(events[-1]), events

    async def _make(self, asked: Asked) -> Result:
        self.record.begin()
        note_request(self.services, asked.request)
        if await self.budget.limited():
            # A budget is reserved before anything is asked.
            try:
                await self._begin(asked)
            except CapReached as error:
                return await self._refused(error)
            except ProblemError as error:
                return await self._failed(error.problem, self.call.events)
            return await self._answered(asked)
        # The call need not wait until its beginning is on disk: nothing counts before the answer is.
        begun = asyncio.create_task(self._begin(asked))
        await asyncio.sleep(0)  # the beginning is handed to the log first, and so stands there first
        try:
            return await self._answered(asked)
        finally:
            await begun

    async def _begin(self, asked: Asked, head: int | None = None) -> None:
        call, services, request = self.call, self.services, asked.request
        facts = {"model": request.alias, **asked.facts}
        drafts = [*call.events, self.record.draft(EventType.CALL_STARTED, f":{self.attempt}", self.attempt, **facts)]

        async def write(*reserved: Operation) -> Logged:
            where = call.tenant, call.execution, call.key, self.attempt
            more = (*self._over(), *reserved)
            return await services.ledger.begin(*where, drafts, *more, asked=remembered(call), head=head)

        events = self.noted(await self.budget.reserved(request, write))
        services.realtime.publish_events(call.tenant, call.execution, events)

    async def _refused(self, error: CapReached) -> Result:
        """What comes of a call that its budgets do not allow: it fails, or its execution pauses and it is held."""
        if not error.pauses:
            return await self._failed(error.problem, self.call.events)
        try:
            is_held = await pause_at_cap(self.services, self.call, error)
        except ProblemError as ended:
            return CallOutcome(error=ended.problem), []
        return (CallOutcome(held=True), []) if is_held else await self._looked_up()

    async def _answered(self, asked: Asked) -> Result:
        before = monotonic()
        rejected: Problem | None = None
        try:
            answering = self.services.models.complete(asked.request, self._live_text())
            with self.record.sending(self.attempt):
                answer = await unless_stopped(self.services, self.call, answering)
        except AnswerRejected as error:
            answer, rejected = error.answer, error.problem
        except ProblemError as error:
            spent = await self.budget.broken_off(asked.request, "".join(self.said))
            return await self._failed(error.problem, spent=spent)
        facts = facts_of(answer, asked.request, seconds=round(monotonic() - before, 3))
        draft, rejected = self._told(answer, rejected, asked, facts)
        note_answer(self.services, answer)
        events = await self._settled(Usage.model_validate(facts["usage"]), [draft])
        if rejected is None:
            await self.services.answers.keep(self.call.tenant, asked.request, answer)
        return await self.record.outcome_of(events[-1]), events

    def _told(
        self, answer: ModelAnswer, rejected: Problem | None, asked: Asked, facts: Mapping[str, Json]
    ) -> tuple[Draft, Problem | None]:
        """The event of an answer that is there, and what is wrong with it, if anything is."""
        data = {**self.record.about(self.attempt), **facts}
        if answer.tool_calls and asked.request.must_answer:
            rejected = bad_answer("it asks for tools again, and should have answered.").problem
        if rejected is not None:
            data["error"] = rejected.model_dump(mode="json", exclude_none=True)
            return self.record.answer(EventType.CALL_REJECTED, answer.text, data), rejected
        if answer.tool_calls:
            return self._asking(ToolAnswer(text=answer.text, tool_calls=answer.tool_calls), asked, data), None
        return self.record.answer(EventType.CALL_COMPLETED, answer.value, data), None

    def _asking(self, answer: ToolAnswer, asked: Asked, data: dict[str, Json]) -> Draft:
        """The answer asks for tools: recorded with what is to be done about each."""
        asks = asking(answer.tool_calls, asked.plan, asked.offered, self.call.rounds)
        data["asks"] = [one.model_dump(mode="json", exclude_defaults=True) for one in asks]
        return self.record.answer(EventType.CALL_ASKED, answer.model_dump(mode="json", exclude_none=True), data)

    async def _failed(self, problem: Problem, first: Sequence[Draft] = (), spent: Usage | None = None) -> Result:
        facts, waits = self._tried_again(problem)
        if spent is not None:
            facts["spent"] = spent.model_dump(mode="json")
        if self.said and problem.code is not Code.CANCELED:
            facts["discard"] = sum(map(len, self.said))
        draft = self.record.draft(EventType.CALL_FAILED, f":{self.attempt}", self.attempt, **facts)
        if problem.code is Code.CANCELED and self.said:
            # What it had said by then was perhaps paid for, and may be of use to people.
            data = {**draft.data, "partial": True}
            draft = draft.model_copy(update={"value": "".join(self.said), "data": data})
        events = await self._settled(spent or Usage(), [*first, draft], *waits)
        gone = bool(waits) and await self._is_canceled()
        return CallOutcome(error=canceled() if gone else problem, final=self.call.offline), events

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

    async def _settled(self, usage: Usage, drafts: Sequence[Draft], *operations: Operation) -> Logged:
        """Log it, and settle the budgets in the same write."""

        async def write(*settled: Operation) -> Logged:
            return await self._append(drafts, *operations, *settled)

        return await self.budget.settled(usage, write)


def _was_in_vain(answer: Event) -> bool:
    """Whether its step failed for want of a better answer, so that going on from there means to ask once more.

    One that was sent back or not accepted has a successor; a chat does without what a chair or a judge could not say.
    """
    if answer.type is not EventType.CALL_REJECTED or "role" in answer.data:
        return False
    if answer.data["error"]["code"] == Code.MODEL_NOT_ACCEPTED:
        return False
    return answer.data["error"]["code"] != Code.MODEL_BAD_ANSWER or "repairs" in answer.data
