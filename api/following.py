"""An execution as it goes on: every event of its log once and in order, and the pieces of answers in between."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from time import monotonic

from domain.events import TERMINAL, Delta, Event
from domain.executions import Execution
from services.wiring import Services

REREAD_SECONDS = 1.0
"""The log is read at least this often: another instance may have written to it."""
PAGE = 500


class Idle:
    """Nothing happened for `REREAD_SECONDS`."""


async def follow(services: Services, tenant: str, execution: str, after: int) -> AsyncGenerator[Event | Delta | Idle]:
    """What happens after the offset `after`, until the event that ends the execution.

    The log is the truth; the bus only says when to read it, and brings the deltas.
    """
    with services.realtime.subscribe(tenant, execution) as live:
        if await end_offset(services, tenant, execution, after):
            return
        while True:
            read = monotonic()
            page = await services.events.read(tenant, execution, after, PAGE)
            for event in page:
                after = event.offset
                yield event
                if event.type in TERMINAL:
                    return
            if len(page) == PAGE:
                continue
            while isinstance(item := await live.next(max(0.0, read + REREAD_SECONDS - monotonic())), Delta):
                yield item
            if item is None:
                yield Idle()


async def end_offset(services: Services, tenant: str, execution: str, by: int) -> int | None:
    """Offset of the event that ended the execution, if it is `by` or less: then nothing follows that counts."""
    found = await services.events.get(tenant, execution, sorted(TERMINAL))
    return next((event.offset for event in found.values() if event.offset <= by), None)


async def wait_for_end(services: Services, execution: Execution, seconds: float) -> Execution:
    """The execution's record, once it has ended or the seconds are over."""
    over = monotonic() + seconds
    with services.realtime.subscribe(execution.tenant, execution.id, only=TERMINAL) as live:
        while True:
            # The record stands before its event. Another process may write both, and then there is no event here.
            record = await services.executions.get(execution.tenant, execution.id) or execution
            if record.status.is_ended or monotonic() >= over:
                return record
            await live.next(min(REREAD_SECONDS, over - monotonic()))
