"""Make one tool call: look it up, note its beginning, make it, record what it gave, then return."""

from __future__ import annotations

import json
from time import monotonic

from activities.earlier import Earlier, earlier
from activities.loading import Loader
from activities.recording import Recorder
from activities.replaying import unanswered
from activities.stopping import unless_stopped
from domain.calls import CallOutcome, ToolCall
from domain.errors import Code, Problem, ProblemError, canceled
from domain.events import Draft, Event, EventType
from domain.expressions import render_all
from domain.plans import content_hash
from domain.tool_use import is_told
from domain.tools import Tool
from domain.values import Json
from services.documents.base import Delete, Operation
from services.ledger import Entry, begun_mark, ended_mark
from services.tools.client import Attempt
from services.tools.problems import tool_refused, tool_uncertain
from services.waits import waiting, waiting_id
from services.wiring import Services

Result = tuple[CallOutcome, list[Event]]
FIRST_KEYS = frozenset({"name", "description", "input", "http", "function", "delivery", "timeout"})
FIRST_HTTP = frozenset({"method", "url", "headers", "body"})
"""What a tool could say in the first release that had tools."""


async def perform_tool(call: ToolCall, services: Services) -> Result:
    """The outcome, and the events that ended the call."""
    return await _ToolCall(call, services).perform()


class _ToolCall:
    """One attempt at one tool call."""

    def __init__(self, call: ToolCall, services: Services) -> None:
        self.call = call
        self.services = services
        self.record = Recorder(call, services)
        self.attempt = 0
        self.waited = False
        self.request: str | None = None
        self.asked: dict[str, str] = {}
        self.earlier: Earlier | None = None

    async def perform(self) -> Result:
        call, services = self.call, self.services
        entry = await services.ledger.look_up(call.tenant, call.execution, call.key, call.step)
        if entry.answer is not None:
            events = await self._append(call.events)
            return await self.record.outcome_of(entry.answer), [*events, entry.answer]
        if (stopped := await self._stopped(entry)) is not None:
            return stopped
        self.attempt, self.waited = entry.begun + 1, entry.standing.waited
        try:
            plan = await services.plans.load(call.tenant, call.plan)
            tool = plan.tools[call.tool]
            arguments = await self._arguments(tool)
            self.request = _fingerprint(tool, arguments)
            self.asked = {name: content_hash(part)[:8] for name, part in _parts(tool, arguments).items()}
            if call.settled and call.settled.event:
                return await self._carried_out(call.settled.event)
            if self._is_uncertain(tool, entry):
                self.attempt = entry.begun
                raise tool_uncertain(tool.name, "the call was cut off by a crash.")
            self.earlier = await earlier(services, call)
            if self._is_left_open(tool, entry):
                raise tool_uncertain(tool.name, f"execution {call.retry_of} began the call, and does not know its end.")
        except ProblemError as error:
            return await self._failed(error.problem, call.events)
        return await self._reused() or await (self._unlike() if call.offline else self._make(tool, arguments, entry))

    def _is_uncertain(self, tool: Tool, entry: Entry) -> bool:
        """Whether it was begun, has no end that is known, and nobody has looked since what became of it."""
        looked = self.call.settled.begun if self.call.settled else 0
        return tool.delivery == "at_most_once" and entry.begun > max(entry.ended, looked)

    def _is_left_open(self, tool: Tool, entry: Entry) -> bool:
        """Whether the execution that this one goes on from began the call and has no end of it that is known.

        That counts as an attempt of this one: it is asked about, and not just made again.
        """
        may_be_made = tool.delivery != "at_most_once" or entry.begun or self.call.offline
        return not may_be_made and self.earlier is not None and self.earlier.is_left_open

    async def _carried_out(self, decided: str) -> Result:
        """A human knows that it was, and says what it gave: in JSON, or in words."""
        told = (await Loader(self.services, self.call.tenant, self.call.execution).recorded([decided]))[decided]
        try:
            found = json.loads(told["comment"])
        except ValueError:
            found = told["comment"]
        data = {**self.record.about(self.attempt), "request": self.request, "told_by": told["by"]}
        events = await self._append([*self.call.events, self.record.answer(EventType.CALL_COMPLETED, found, data)])
        return await self.record.outcome_of(events[-1]), events

    async def _stopped(self, entry: Entry) -> Result | None:
        call, standing = self.call, entry.standing
        if standing.canceled:
            return CallOutcome(error=canceled()), [] if standing.ended else await self._append(call.events)
        if standing.control is not None and standing.is_paused:
            drafts = [*call.events, self.record.draft(EventType.STEP_WAITING, f":{call.tries}", 0, **{"for": "resume"})]
            if await self.services.controls.hold(call, standing.control, drafts):
                # Asked again now that the note is there: whoever cancels from here on finds it.
                return CallOutcome(error=canceled()) if await self._is_canceled() else CallOutcome(held=True), []
            return await self.perform()  # it was changed in the meantime
        return None

    async def _arguments(self, tool: Tool) -> Json:
        from domain.validation import check_value, pointer  # noqa: PLC0415 - slow to import

        call = self.call
        loader = Loader(self.services, call.tenant, call.execution)
        if call.asked is not None:
            # What a model wrote is data: nothing in it is rendered.
            answer = (await loader.recorded([call.asked.event]))[call.asked.event]
            arguments = answer["tool_calls"][call.asked.index]["arguments"]
        else:
            arguments = render_all(call.arguments, await loader.plain(call.scope))
        complaints = check_value(arguments, tool.input)
        if complaints:
            parts, message = complaints[0]
            action = "Correct the step's `arguments`, or the tool's `input`."
            raise tool_refused(
                f"Tool `{tool.name}` does not take this, at `{pointer(parts) or '/'}`: {message}", action
            )
        return arguments

    async def _reused(self) -> Result | None:
        """What the very same call gave, or was told to have failed with, in the execution this one goes on from."""
        call, answer = self.call, self.earlier.answer if self.earlier else None
        if call.retry_of is None or answer is None or answer.data.get("request") != self.request:
            return None
        value = await self.services.events.value(call.tenant, call.retry_of, answer)
        data = {**answer.data, "reused_from": call.retry_of}
        events = await self._append([*call.events, self.record.answer(answer.type, value, data)])
        return await self.record.outcome_of(events[-1]), events

    async def _unlike(self) -> Result:
        """What comes of a call that a replay finds no result of."""
        problem = await unanswered(self.services, self.call, self.asked)
        return await self._failed(problem, self.call.events)

    async def _make(self, tool: Tool, arguments: Json, entry: Entry) -> Result:
        call, services = self.call, self.services
        # Made again for another execution, it is still the same call to the other side.
        key = (self.earlier and self.earlier.key(self.request)) or f"{call.execution}:{call.key}"
        facts: dict[str, Json] = {"arguments": _shown(arguments), "request": self.request, "key": key}
        started = self.record.draft(EventType.CALL_STARTED, f":{self.attempt}", self.attempt, **facts)
        # Before it is made, whatever that costs: afterwards nobody could tell that it had been.
        over = [Delete(waiting_id(call.key))] if self.waited else []
        where = call.tenant, call.execution, call.key, self.attempt, [*call.events, started]
        if tool.delivery == "at_most_once":
            begun = await services.ledger.begin_alone(*where, entry, *over)
        else:
            begun = await services.ledger.begin(*where, *over)
        if begun is None:
            # The platform has given the same activity to another process as well: whoever begins it first, makes it.
            return await self.perform()
        services.realtime.publish_events(call.tenant, call.execution, begun)
        before = monotonic()
        try:
            making = services.tools.call(Attempt(tool, arguments, key, call.tenant))
            found = await (making if tool.delivery == "at_most_once" else unless_stopped(services, call, making))
        except ProblemError as error:
            return await self._failed(error.problem)
        facts = {"seconds": round(monotonic() - before, 3), "request": self.request, "asked": self.asked}
        data = {**self.record.about(self.attempt), **facts}
        events = await self._append([self.record.answer(EventType.CALL_COMPLETED, found, data)])
        return await self.record.outcome_of(events[-1]), events

    async def _failed(self, problem: Problem, first: tuple[Draft, ...] = ()) -> Result:
        facts: dict[str, Json] = {"error": problem.model_dump(mode="json", exclude_none=True)}
        retry, failures = self.call.retry, self.call.failures + 1
        operations: list[Operation] = []
        is_uncertain = problem.code is Code.TOOL_UNCERTAIN
        operations.append((begun_mark if is_uncertain else ended_mark)(self.call.key, self.attempt))
        if retry.applies_to(problem) and failures < retry.attempts and not self.call.offline:
            facts["retry_in"] = retry.delay(failures, problem.retry_after).total_seconds()
            operations.append(waiting(self.call))
        draft = self.record.draft(EventType.CALL_FAILED, f":{self.attempt}", self.attempt, **facts)
        if self.call.asked is not None and "retry_in" not in facts and is_told(problem):
            # The agent goes on with that, and so it stays: what it says next was said to this.
            data = {**draft.data, "request": self.request, "asked": self.asked}
            draft = self.record.answer(EventType.CALL_FAILED, None, data)
        events = await self._append((*first, draft), *operations)
        begun = self.attempt if is_uncertain else 0
        if await self._is_canceled():
            return CallOutcome(error=canceled()), events
        return CallOutcome(error=problem, begun=begun, final=self.call.offline), events

    async def _is_canceled(self) -> bool:
        return (await self.services.controls.standing(self.call)).canceled

    async def _append(self, drafts: tuple[Draft, ...] | list[Draft], *operations: Operation) -> list[Event]:
        return await self.services.events.append(self.call.tenant, self.call.execution, drafts, *operations)


def _fingerprint(tool: Tool, arguments: Json) -> str:
    """The same for two calls that may share a result."""
    return content_hash({"tool": _definition(tool), "arguments": arguments})


def _parts(tool: Tool, arguments: Json) -> dict[str, Json]:
    return {"the tool's definition": _definition(tool), "the arguments": arguments}


def _definition(tool: Tool) -> Json:
    """All of it; what releases have added only where it is used, so that what earlier ones recorded is still found."""
    whole, used = tool.model_dump(mode="json"), tool.model_dump(mode="json", exclude_defaults=True)
    definition = {key: whole[key] for key in whole if key in FIRST_KEYS or key in used}
    if isinstance(whole["http"], dict):
        definition["http"] = {
            key: whole["http"][key] for key in whole["http"] if key in FIRST_HTTP or key in used["http"]
        }
    return definition


def _shown(arguments: Json) -> str:
    return str(arguments)[:300]
