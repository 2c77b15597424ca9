"""How a call of a model or tool stands in the log, and what orchestrators are told of it."""

from __future__ import annotations

from datetime import UTC, datetime

from domain import values
from domain.calls import CallOutcome, ModelCall, ToolCall, asked_id, completed_id, rejected_id, told_id
from domain.errors import Code, Problem
from domain.events import Draft, Event, EventType
from domain.expressions import as_text
from domain.hearing import PREVIEW_CHARACTERS, heard
from domain.usage import Usage
from domain.values import Json
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
            data={**self.about(attempt), **data},
        )

    def answer(self, type: EventType, value: Json, data: dict[str, Json]) -> Draft:
        """The event that is found by the call's key ever after."""
        return self.draft(type, "").model_copy(update={"id": _IDS[type](self._call.key), "value": value, "data": data})

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
