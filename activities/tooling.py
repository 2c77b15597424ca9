"""Make one tool call: look it up, note its beginning, make it, record what it gave, then return."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from activities.attempts import CallAttempt, Result
from activities.earlier import Earlier, earlier
from activities.loading import Loader
from activities.noting import note_result, note_tool
from activities.replaying import unanswered
from activities.stopping import unless_stopped
from activities.tool_requests import AskedCall, asked_of
from domain.calls import CallOutcome, ToolCall
from domain.errors import Code, Problem, ProblemError, canceled
from domain.events import Draft, Event, EventType
from domain.tool_use import is_told
from domain.tools import Tool
from domain.values import Json
from services.ledger import Entry, begun_mark, ended_mark
from services.tools.attempts import parsed
from services.tools.client import Attempt
from services.tools.problems import tool_uncertain
from services.wiring import Services


async def perform_tool(call: ToolCall, services: Services) -> Result:
    """The outcome, and the events that ended the call."""
    return await _ToolCall(call, services).perform()


class _ToolCall(CallAttempt[ToolCall]):
    def __init__(self, call: ToolCall, services: Services) -> None:
        super().__init__(call, services)
        self.asked: AskedCall | None = None

    async def _go_on(self, entry: Entry) -> Result:
        call, services = self.call, self.services
        try:
            asked = self.asked = await asked_of(call, services)
            if call.settled and call.settled.event:
                return await self._carried_out(call.settled.event, asked)
            if self._is_uncertain(asked.tool, entry):
                self.attempt = entry.begun
                raise tool_uncertain(asked.tool.name, "the call was cut off by a crash.")
            before = await earlier(services, call)
            if self._is_left_open(asked.tool, entry, before):
                why = f"execution {call.retry_of} began the call, and does not know its end."
                raise tool_uncertain(asked.tool.name, why)
        except ProblemError as error:
            return await self._failed(error.problem, call.events)
        if before and before.answer and before.answer.data.get("request") == asked.fingerprint:
            return await self._taken_over(before.answer)
        if call.offline:
            return await self._failed(await unanswered(services, call, asked.parts), call.events)
        return await self._make(asked, entry, before)

    def _is_uncertain(self, tool: Tool, entry: Entry) -> bool:
        """Whether it was begun, has no end that is known, and nobody has looked since what became of it."""
        looked = self.call.settled.begun if self.call.settled else 0
        return tool.delivery == "at_most_once" and entry.begun > max(entry.ended, looked)

    def _is_left_open(self, tool: Tool, entry: Entry, before: Earlier | None) -> bool:
        """Whether the execution that this one goes on from began the call and has no end of it that is known.

        That counts as an attempt of this one: it is asked about, and not just made again.
        """
        may_be_made = tool.delivery != "at_most_once" or entry.begun or self.call.offline
        return not may_be_made and before is not None and before.is_left_open

    async def _carried_out(self, decided: str, asked: AskedCall) -> Result:
        """A human knows that it was, and says what it gave: in JSON, or in words."""
        told = (await Loader(self.services, self.call.tenant, self.call.execution).recorded([decided]))[decided]
        try:
            found = parsed(told["comment"])
        except (ValueError, RecursionError):  # no JSON, or none that can be kept: then it is meant as text
            found = told["comment"]
        facts = {"request": asked.fingerprint, "asked": dict(asked.parts), "told_by": told["by"]}
        return await self._gave(found, facts, self.call.events)

    async def _taken_over(self, answer: Event) -> Result:
        """What the very same call gave, or was told to have failed with, in the execution this one goes on from."""
        value = await self.services.events.value(self.call.tenant, self.call.retry_of or "", answer)
        data = {**answer.data, "reused_from": self.call.retry_of}
        return await self._reused(self.record.answer(answer.type, value, data))

    async def _make(self, asked: AskedCall, entry: Entry, before: Earlier | None) -> Result:
        call, services, tool = self.call, self.services, asked.tool
        # Made again for another execution, it is still the same call to the other side.
        key = (before and before.key(asked.fingerprint)) or f"{call.execution}:{call.key}"
        if not await self._begun(asked, entry, key):
            # The platform has given the same activity to another process as well: whoever begins it first, makes it.
            return await self._looked_up()
        began = monotonic()
        self.record.begin()
        note_tool(services, tool, asked.arguments)
        try:
            making = services.tools.call(Attempt(tool, asked.arguments, key, call.tenant))
            with self.record.sending(self.attempt):
                found = await (making if tool.delivery == "at_most_once" else unless_stopped(services, call, making))
        except ProblemError as error:
            return await self._failed(error.problem)
        seconds = round(monotonic() - began, 3)
        note_result(services, found)
        return await self._gave(found, {"seconds": seconds, "request": asked.fingerprint, "asked": dict(asked.parts)})

    async def _begun(self, asked: AskedCall, entry: Entry, key: str) -> bool:
        """Note that it is made, before it is, whatever that costs: afterwards nobody could tell. False: another has."""
        call, ledger = self.call, self.services.ledger
        facts: dict[str, Json] = {"arguments": str(asked.arguments)[:300], "request": asked.fingerprint, "key": key}
        started = self.record.draft(EventType.CALL_STARTED, f":{self.attempt}", self.attempt, **facts)
        where = call.tenant, call.execution, call.key, self.attempt, [*call.events, started]
        if asked.tool.delivery == "at_most_once":
            events = await ledger.begin_alone(*where, entry, *self._over())
        else:
            events = await ledger.begin(*where, *self._over())
        if events is None:
            return False
        self.services.realtime.publish_events(call.tenant, call.execution, self.noted(events))
        return True

    async def _gave(self, found: Json, facts: dict[str, Json], first: Sequence[Draft] = ()) -> Result:
        data = {**self.record.about(self.attempt), **facts}
        events = await self._append([*first, self.record.answer(EventType.CALL_COMPLETED, found, data)])
        return await self.record.outcome_of(events[-1]), events

    async def _failed(self, problem: Problem, first: Sequence[Draft] = ()) -> Result:
        facts, waits = self._tried_again(problem)
        is_uncertain = problem.code is Code.TOOL_UNCERTAIN
        mark = (begun_mark if is_uncertain else ended_mark)(self.call.key, self.attempt)
        draft = self.record.draft(EventType.CALL_FAILED, f":{self.attempt}", self.attempt, **facts)
        if self.call.asked is not None and not waits and is_told(problem):
            # The agent goes on with that, and so it stays: what it says next was said to this.
            asked = {"request": self.asked.fingerprint, "asked": dict(self.asked.parts)} if self.asked else {}
            draft = self.record.answer(EventType.CALL_FAILED, None, {**draft.data, **asked})
        events = await self._append([*first, draft], mark, *waits)
        if await self._is_canceled():
            return CallOutcome(error=canceled()), events
        return CallOutcome(error=problem, begun=self.attempt if is_uncertain else 0, final=self.call.offline), events
