"""An execution as it goes on: every event of its log once and in order, and the pieces of answers in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from time import monotonic

from domain.events import TERMINAL, Delta, Event
from domain.executions import Execution, Status
from services.wiring import Services

REREAD_SECONDS = 1.0
"""The log is read at least this often: another instance may have written to it."""
RECHECK_SECONDS = 0.25
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
    try:
        async with asyncio.timeout(seconds):
            async for _ in follow(services, execution.tenant, execution.id, 0):
                pass
            # Another process may be the one that writes the record, so there is no event to wait for.
            while (record := await _record(services, execution)).status is Status.RUNNING:  # noqa: ASYNC110
                await asyncio.sleep(RECHECK_SECONDS)
            return record
    except TimeoutError:
        return await _record(services, execution)


async def _record(services: Services, execution: Execution) -> Execution:
    return await services.executions.get(execution.tenant, execution.id) or execution
