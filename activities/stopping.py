"""Notices that what is under way is not wanted any more, so that it can be broken off."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from domain.calls import Action
from domain.errors import ProblemError, canceled
from domain.events import Event, EventType
from domain.paths import is_within
from services.control import STOPS
from services.realtime import Subscription
from services.wiring import Services

T = TypeVar("T")
REREAD_SECONDS, SELDOM_SECONDS = 2.0, 16.0
"""When the store is first asked, as another process may have been told; then after twice as long each time, up to so
long: an answer of minutes is not to cost more reads than it is worth.
"""


async def unless_stopped(services: Services, action: Action, work: Coroutine[object, object, T]) -> T:
    """What the work gives; broken off, raises `ProblemError` canceled, when its step or execution is canceled."""
    with services.realtime.subscribe(action.tenant, action.execution, only=STOPS) as live:
        working = asyncio.create_task(work)
        watching = asyncio.create_task(_stopped(services, action, live))
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            watching.result()  # raises what kept it from watching
            raise ProblemError(canceled())
        finally:
            for task in (working, watching):
                task.cancel()
            await asyncio.gather(working, watching, return_exceptions=True)


async def _stopped(services: Services, action: Action, live: Subscription) -> None:
    """Returns once the action should stop."""
    pause = REREAD_SECONDS
    while True:
        told = await live.next(pause)
        if told is None:
            pause = min(2 * pause, SELDOM_SECONDS)
            if (await services.controls.standing(action)).canceled:
                return
        elif isinstance(told, Event) and told.type is EventType.STEP_CANCELED:
            if is_within(action.step, told.step or ""):
                return
        else:
            return
