"""Logs as a test writes them: one short call for each event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.errors import Code, platform_failed
from domain.events import Event, EventType
from domain.summaries import LogReader, LogSummary
from domain.values import Json, content_hash

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Log:
    """Each event comes one second after the one before."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, type: EventType, step: str | None = None, agent: str | None = None, **fields: Any) -> Log:
        offset = len(self.events) + 1
        value, artifact = fields.pop("value", None), fields.pop("artifact", None)
        event = Event(
            id=f"{step}:{type}:{offset}", type=type, time=BEGIN + timedelta(seconds=offset), step=step, agent=agent,
            data=fields, value=value, artifact=artifact, offset=offset,
        )  # fmt: skip
        self.events.append(event)
        return self

    def begin(self, step: str, kind: str = "agent") -> Log:
        return self.add(EventType.STEP_STARTED, step, kind=kind)

    def end(self, step: str, **data: Any) -> Log:
        return self.add(EventType.STEP_COMPLETED, step, **data)

    def call(self, step: str, agent: str, answer: Json, asked: str = "?", **data: Any) -> Log:
        """A call that is begun and answered; its request's hash is that of `asked`."""
        key = f"{step}#0"
        self.add(EventType.CALL_STARTED, step, agent, call=key, attempt=1)
        return self.answer(step, agent, answer, asked, **data)

    def answer(self, step: str, agent: str, answer: Json, asked: str = "?", **data: Any) -> Log:
        usage = {"model_calls": 1, "tokens_in": 10, "tokens_out": 2, "cost_usd": "0.01"}
        facts = {"call": f"{step}#0", "usage": usage, "request": content_hash(asked), **data}
        return self.add(EventType.CALL_COMPLETED, step, agent, value=answer, **facts)

    def fail(self, step: str, **data: Any) -> Log:
        error = platform_failed("It broke.").model_dump(mode="json", exclude_none=True)
        return self.add(EventType.STEP_FAILED, step, error=error, **data)

    def agent_step(self, step: str, agent: str, answer: Json, asked: str = "?") -> Log:
        return self.begin(step).call(step, agent, answer, asked).end(step, output=str(answer))

    def summary(self) -> LogSummary:
        reader = LogReader()
        reader.read(self.events)
        return reader.summary()


PLATFORM_FAILED = Code.PLATFORM_FAILED.value
