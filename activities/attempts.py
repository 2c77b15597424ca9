"""What attempts at a model call and at a tool call share: what is there counts, and what is stopped is not begun."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from activities.recording import Recorder
from domain.calls import CallOutcome, ModelCall, ToolCall
from domain.errors import Problem, canceled
from domain.events import Draft, Event, EventType
from domain.tracing import Resumed
from domain.values import Json
from services.documents.base import Delete, Operation
from services.eventlog import Logged
from services.ledger import Entry
from services.waits import waiting, waiting_id
from services.wiring import Services

C = TypeVar("C", bound=ModelCall | ToolCall)
Result = tuple[CallOutcome, list[Event]]
"""The outcome, and the events that ended the call (for whoever pushes them to watchers)."""


class CallAttempt(ABC, Generic[C]):
    """One attempt at one call. `attempt` counts those that were begun, this one among them."""

    def __init__(self, call: C, services: Services) -> None:
        self.call: C = call
        self.services = services
        self.record = Recorder(call, services)
        self.attempt = 0
        self._waited = False
        self._logged: list[Logged] = []

    async def perform(self) -> Result:
        """The outcome, which says how far the log has come and whether anything else was in it; and the events."""
        found, events = await self._performed()
        return found.model_copy(update=self._seen(is_good=found.error is None and not found.held)), events

    async def _performed(self) -> Result:
        if self.call.quiet and not self.services.documents.is_near:
            # Nothing is known to have happened since the call before: then one conditional write says it all.
            made = await self._made_at_once()
            if made is not None:
                return made
        return await self._looked_up()

    async def _made_at_once(self) -> Result | None:
        """Make the call without looking it up, on condition that the log ends where it did and that it was never begun.

        None: look it up.
        """
        return None

    async def _looked_up(self) -> Result:
        call = self.call
        services = self.services
        entry = await services.ledger.look_up(call.tenant, call.execution, call.key, call.step)
        if entry.watched:
            services.realtime.watch(call.tenant, call.execution)
        if entry.answer is not None:
            return await self._found(entry.answer)
        if (stopped := await self._stopped(entry)) is not None:
            return stopped
        self.attempt, self._waited = entry.begun + 1, entry.standing.waited
        if entry.begun and self.record.trace is not None:
            self.record.before = await self._before(entry.begun)
        return await self._go_on(entry)

    async def _before(self, attempt: int) -> Resumed:
        """The attempt before this one: it failed, or a crash has cut it off."""
        call = self.call
        begun, failed = (f"{call.key}:{type}:{attempt}" for type in (EventType.CALL_STARTED, EventType.CALL_FAILED))
        found = await self.services.events.get(call.tenant, call.execution, [begun, failed])
        is_cut_off = failed not in found and begun in found
        began = found[begun].time if is_cut_off else None
        reason = "crash" if is_cut_off else "retry"
        # Where a human had the step tried again, the attempt before was in another span.
        told = found[failed].data.get("trace") if failed in found else None
        span = str(told["span"]) if told else self.record.span_of(attempt)
        return Resumed(span=span, reason=reason, began=began)

    @abstractmethod
    async def _go_on(self, entry: Entry) -> Result:
        """Make the call, or say why not: it has no answer yet, and nothing stops it."""

    async def _found(self, answer: Event) -> Result:
        """It has been answered before."""
        self.services.telemetry.hit("tool" if isinstance(self.call, ToolCall) else "model")
        return await self.record.outcome_of(answer), [*await self._append(self.call.events), answer]

    async def _canceled(self, entry: Entry) -> Result:
        """It is not wanted any more. After its end nothing more is logged of an execution."""
        return CallOutcome(error=canceled()), [] if entry.standing.ended else await self._append(self.call.events)

    async def _stopped(self, entry: Entry) -> Result | None:
        """What comes of a call that is not to be made, or not yet."""
        call = self.call
        standing = entry.standing
        if standing.canceled:
            return await self._canceled(entry)
        if standing.control is None or not standing.is_paused:
            return None
        drafts = [*call.events, self.record.draft(EventType.STEP_WAITING, f":{call.tries}", 0, **{"for": "resume"})]
        if await self.services.controls.hold(call, standing.control, drafts):
            return CallOutcome(error=canceled()) if await self._is_canceled() else CallOutcome(held=True), []
        return await self._looked_up()  # it was changed in the meantime

    async def _reused(self, answer: Draft) -> Result:
        """What another execution's call came to counts here as well."""
        events = await self._append([*self.call.events, answer])
        return await self.record.outcome_of(events[-1]), events

    def _over(self) -> list[Operation]:
        """What takes back the note that the call waits, if it left one."""
        return [Delete(waiting_id(self.call.key))] if self._waited else []

    def _tried_again(self, problem: Problem) -> tuple[dict[str, Json], list[Operation]]:
        """For the event of a failure: the wait until the next try, and the note of that, if there is to be one."""
        facts: dict[str, Json] = {"error": problem.model_dump(mode="json", exclude_none=True)}
        retry, failures = self.call.retry, self.call.failures + 1
        if self.call.offline or failures >= retry.attempts or not retry.applies_to(problem):
            return facts, []
        return {**facts, "retry_in": retry.delay(failures, problem.retry_after).total_seconds()}, [waiting(self.call)]

    async def _is_canceled(self) -> bool:
        """Asked again after a note was left that the call waits: whoever cancels from here on finds it."""
        return (await self.services.controls.standing(self.call)).canceled

    async def _append(self, drafts: Sequence[Draft], *operations: Operation) -> Logged:
        call = self.call
        return self.noted(await self.services.events.append(call.tenant, call.execution, drafts, *operations))

    def noted(self, logged: Logged) -> Logged:
        """Remembers what was logged; whoever is found to watch is told of everything from now on."""
        self._logged.append(logged)
        if logged.watched:
            self.services.realtime.watch(self.call.tenant, self.call.execution)
        return logged

    def _seen(self, *, is_good: bool) -> dict[str, Json]:
        """For the orchestrator: where the log ends, and whether all that has come since its own `head` is of this call.

        Then nothing was asked of the execution since this call looked, for that comes with an event.
        """
        new = sorted(offset for logged in self._logged for offset in logged.new)
        if not new:
            return {}
        return {"head": new[-1], "quiet": is_good and new == list(range(self.call.head + 1, new[-1] + 1))}
