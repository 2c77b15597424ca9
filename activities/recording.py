"""How a call of a model or tool stands in the log, and what orchestrators are told of it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

from domain import values
from domain.calls import CallOutcome, ModelCall, ToolCall, asked_id, completed_id, rejected_id, told_id
from domain.errors import Code, Problem
from domain.events import Draft, Event, EventType
from domain.expressions import as_text
from domain.hearing import PREVIEW_CHARACTERS, heard
from domain.tracing import Resumed, derived, root_of
from domain.usage import Usage
from domain.values import Json
from services.telemetry.here import within
from services.wiring import Services

_IDS = {
    EventType.CALL_COMPLETED: completed_id,
    EventType.CALL_REJECTED: rejected_id,
    EventType.CALL_ASKED: asked_id,
    EventType.CALL_FAILED: told_id,
}


class Recorder:
    def __init__(self, call: ModelCall | ToolCall, services: Services) -> None:
        self._call = call
        self._services = services
        self.began = datetime.now(UTC)
        self.before: Resumed | None = None
        """The attempt before this one, if there was one."""
        followed = derived(call.execution) if services.telemetry.is_on else None
        self.trace = call.trace or (root_of(followed, call.execution) if followed else None)

    def begin(self) -> None:
        """It is made from here on."""
        self.began = datetime.now(UTC)

    def sending(self, attempt: int) -> AbstractContextManager[None]:
        """What is sent meanwhile is sent by this attempt."""
        return within(self.trace.within(self.span_of(attempt))) if self.trace else nullcontext()

    def span_of(self, attempt: int) -> str:
        return self.trace.child("call", self._call.key, attempt) if self.trace else ""

    def about(self, attempt: int) -> dict[str, Json]:
        """What every event of the call says of it."""
        call = self._call
        facts = {"tool": call.tool} if isinstance(call, ToolCall) else call.data
        return {"call": call.key, "attempt": attempt, **facts}

    def draft(self, type: EventType, suffix: str, attempt: int = 0, /, **data: Json) -> Draft:
        call = self._call
        return Draft(
            id=f"{call.key}:{type}{suffix}",
            type=type,
            time=datetime.now(UTC),
            step=call.step,
            agent=call.agent,
            data={**self.about(attempt), **data, **self._traced(type, attempt, data)},
        )

    def answer(self, type: EventType, value: Json, data: dict[str, Json]) -> Draft:
        """The event that is found by the call's key ever after."""
        told = {name: fact for name, fact in data.items() if name != "trace"}
        told |= self._traced(type, told["attempt"], told)
        return self.draft(type, "").model_copy(update={"id": _IDS[type](self._call.key), "value": value, "data": told})

    def _traced(self, type: EventType, attempt: int, data: dict[str, Json]) -> dict[str, Json]:
        """What the event says of the attempt's span; of a beginning, only what it goes on from after a crash."""
        if self.trace is None or (type is EventType.CALL_STARTED and not (self.before and self.before.began)):
            return {}
        call, hit = self._call, _hit(data)
        span, kind = self.span_of(attempt), "execute_tool" if isinstance(call, ToolCall) else "chat"
        if type is EventType.CALL_STARTED:
            span, kind = self.trace.child("resume", call.key, attempt), "resume"
        if hit:
            span = self.trace.child("hit", call.key)
        turn = call.turn if isinstance(call, ModelCall) and _ends_turn(call, type, data) else None
        more = {"turn": turn, "hit": hit, "resumed": None if hit else self.before}
        return {"trace": self.trace.begun(span, kind, self.began, **more).as_data()}

    async def outcome_of(self, event: Event) -> CallOutcome:
        """What an answer that is in the log means to the orchestrator."""
        call = self._call
        usage = self._usage(event)
        if event.type is EventType.CALL_REJECTED:
            problem = Problem.model_validate(event.data["error"])
            may_be_repaired = problem.code is Code.MODEL_BAD_ANSWER
            return CallOutcome(error=problem, rejected=event.id if may_be_repaired else None, usage=usage)
        if event.type is EventType.CALL_FAILED:
            return CallOutcome(error=Problem.model_validate(event.data["error"]))
        if event.type is EventType.CALL_ASKED:
            return CallOutcome(asks=event.data["asks"], event=event.id, usage=usage)
        value = await self._services.events.value(call.tenant, call.execution, event)
        listening, pick = (call, call.pick) if isinstance(call, ModelCall) else (None, ())
        return CallOutcome(
            **dict(heard(as_text(value), listening)),
            value=values.recorded(value, event.id),
            event=event.id if call.key.rpartition("#")[2] != "0" else None,
            picked={key: as_text(value[key])[:PREVIEW_CHARACTERS] for key in pick},
            usage=usage,
        )

    def _usage(self, event: Event) -> Usage:
        """What the call cost, if its orchestrator counts that.

        What is used again was paid for once: a chat that counts what it spends then comes to the same end.
        """
        if not isinstance(self._call, ModelCall) or not self._call.tell_usage:
            return Usage()
        return Usage.model_validate(event.data.get("used_then") or event.data.get("usage", {}))


def _hit(data: dict[str, Json]) -> str:
    """Why nothing was called, where there is an answer all the same."""
    names = {"reused_from": "reused", "cached": "cached", "told_by": "told"}
    return next((hit for fact, hit in names.items() if fact in data), "")


def _ends_turn(call: ModelCall, type: EventType, data: dict[str, Json]) -> bool:
    """Whether the turn has come to its end: with an answer, or a failure after which nothing more is asked in it."""
    if type is EventType.CALL_REJECTED:
        code = data["error"]["code"]
        return call.repair is not None or code not in (Code.MODEL_BAD_ANSWER, Code.MODEL_NOT_ACCEPTED)
    return type is EventType.CALL_COMPLETED or (type is EventType.CALL_FAILED and "retry_in" not in data)
