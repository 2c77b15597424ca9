"""What the execution that one goes on from (a retry, a fork) knows of the same tool call."""

from __future__ import annotations

from dataclasses import dataclass

from domain.calls import ToolCall
from domain.errors import Code
from domain.events import Event, EventType
from services.wiring import Services

MOST_ATTEMPTS = 20
"""That a policy allows."""


@dataclass(frozen=True)
class Earlier:
    """`answer`: what it gave, or was told to have failed with; `started`: the last attempt at it that began.

    `is_left_open`: it was begun, and nobody knows to what end.
    """

    answer: Event | None
    started: Event | None
    is_left_open: bool
    is_ours: bool
    """It was begun here; else the log was imported."""

    def key(self, request: str | None) -> str | None:
        """The key it was made with, if it was the very same call: what has been carried out under it stays so."""
        if self.started is None or request is None or not self.is_ours:
            return None
        key: str | None = self.started.data.get("key")
        return key if self.started.data.get("request") == request else None


async def earlier(services: Services, call: ToolCall) -> Earlier | None:
    """None where nothing of it counts: there is no such execution, or the call was begun after what is taken over."""
    if call.retry_of is None:
        return None
    entry = await services.ledger.look_up(call.tenant, call.retry_of, call.key, call.step)
    # The marks of the ledger do not travel with a log: of one that was imported, it says itself what was begun.
    attempts = [entry.begun] if entry.begun else range(MOST_ATTEMPTS, 0, -1)
    started = {number: f"{call.key}:{EventType.CALL_STARTED}:{number}" for number in attempts}
    failed = {number: f"{call.key}:{EventType.CALL_FAILED}:{number}" for number in attempts}
    found = await services.events.get(call.tenant, call.retry_of, [*started.values(), *failed.values()])
    last = next((number for number in attempts if started[number] in found), 0)
    begun = found[started[last]] if last else None
    if entry.begun:
        is_open = entry.begun > entry.ended
    else:
        is_open = begun is not None and not _has_ended(found.get(failed[last]))
    if call.retry_until is not None and begun is not None and begun.offset >= call.retry_until:
        return None
    counts = entry.answer is not None and (call.retry_until is None or entry.answer.offset < call.retry_until)
    answer = entry.answer if counts else None
    return Earlier(answer, begun, entry.answer is None and is_open, is_ours=bool(entry.begun))


def _has_ended(failed: Event | None) -> bool:
    return failed is not None and failed.data["error"]["code"] != Code.TOOL_UNCERTAIN
