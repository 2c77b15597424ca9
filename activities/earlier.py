"""What the execution that one goes on from (a retry, a fork) knows of the same tool call."""

from __future__ import annotations

from dataclasses import dataclass

from domain.calls import ToolCall
from domain.events import Event, EventType
from services.ledger import Entry
from services.wiring import Services


@dataclass(frozen=True)
class Earlier:
    """`answer`: what it gave, or was told to have failed with; `started`: the last attempt at it that began."""

    entry: Entry
    answer: Event | None
    started: Event | None

    @property
    def is_left_open(self) -> bool:
        """Whether it was begun, and nobody knows to what end."""
        return self.entry.answer is None and self.entry.begun > self.entry.ended

    def key(self, request: str | None) -> str | None:
        """The key it was made with, if it was the very same call: what has been carried out under it stays so."""
        if self.started is None or request is None or self.started.data.get("request") != request:
            return None
        key: str | None = self.started.data.get("key")
        return key


async def earlier(services: Services, call: ToolCall) -> Earlier | None:
    """None where nothing of it counts: there is no such execution, or the call was begun after what is taken over."""
    if call.retry_of is None:
        return None
    entry = await services.ledger.look_up(call.tenant, call.retry_of, call.key, call.step)
    id = f"{call.key}:{EventType.CALL_STARTED}:{entry.begun}"
    started = (await services.events.get(call.tenant, call.retry_of, [id])).get(id)
    if call.retry_until is None:
        return Earlier(entry, entry.answer, started)
    answer = entry.answer if entry.answer and entry.answer.offset < call.retry_until else None
    is_later = started is not None and started.offset >= call.retry_until
    return None if is_later else Earlier(entry, answer, started)
