"""Wake those whose turn it is; and leave a note for whoever has to wait for its own."""

from __future__ import annotations

import logging

from domain.calls import Arrival, NextTurns
from domain.errors import canceled
from domain.events import Event
from services.documents.base import Delete
from services.waits import Waker, waiting, waiting_id
from services.wiring import Services

log = logging.getLogger("meta_agents.turns")


async def perform_next_turns(turns: NextTurns, services: Services, client: Waker) -> tuple[Arrival, list[Event]]:
    """Whether the call that waits is still wanted. Done twice it changes nothing."""
    for wake in turns.wakes:
        try:
            await client.raise_event(wake.instance, wake.event)
        except Exception:  # the SDK raises it bare, also for an instance that has ended: its turn ends with its lease
            log.warning("%s could not be told of its turn", wake.instance, exc_info=True)
    note = waiting(turns) if turns.waits else Delete(waiting_id(turns.key))
    events = await services.events.append(turns.tenant, turns.execution, turns.events, note)
    if turns.waits and (await services.controls.standing(turns)).canceled:
        return Arrival(error=canceled()), events
    return Arrival(), events
