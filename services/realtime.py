"""Telling whoever watches, live: followers in this process, and everyone else through SignalR."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Sequence

from domain.events import Delta, Event, EventType
from services.bus import Item, LocalBus, Notice, Subscription
from services.signalr import HUB, SignalRPublisher, group_of, messages_of

__all__ = ["SIGNALR_OUTPUT", "Item", "LocalBus", "Notice", "Realtime", "Subscription", "group_of", "to_signalr"]

SIGNALR_OUTPUT = {"type": "signalR", "hubName": HUB, "connectionStringSetting": "AzureSignalRConnectionString"}
"""The output binding of functions that push events by returning them."""


def to_signalr(tenant: str, execution: str, events: Sequence[Event]) -> str:
    """What such a function sets its output to."""
    return json.dumps(messages_of(group_of(tenant, execution), events))


WATCHED = 10_000
"""Executions that a process remembers to be watched; the earliest are forgotten first."""


class Realtime:
    """Never blocks and never fails: the log has everything, and watchers fill gaps from it.

    What goes through SignalR one message at a time goes there only for executions that somebody watches: nobody
    pays for the others.
    """

    def __init__(self, bus: LocalBus, signalr: SignalRPublisher | None = None) -> None:
        self.bus = bus
        self._signalr = signalr
        self._watched: OrderedDict[tuple[str, str], None] = OrderedDict()

    def watch(self, tenant: str, execution: str) -> None:
        """Somebody watches this execution through SignalR from now on, as far as this process knows."""
        self._watched[tenant, execution] = None
        if len(self._watched) > WATCHED:
            self._watched.popitem(last=False)

    def subscribe(self, tenant: str, execution: str, *, only: Collection[EventType] | None = None) -> Subscription:
        """Events and deltas made in this process, from now on; or `only` events of these types.

        Subscribe first and read the log then.
        """
        return self.bus.subscribe(tenant, execution, only=only)

    def publish_delta(self, tenant: str, execution: str, delta: Delta) -> None:
        """To all watchers."""
        self.bus.publish(tenant, execution, [delta])
        if self._signalr and (tenant, execution) in self._watched:
            self._signalr.delta(tenant, execution, delta)

    def publish_events(self, tenant: str, execution: str, events: Sequence[Event]) -> None:
        """To watchers elsewhere; followers in this process had them from the log, which tells the bus itself."""
        if self._signalr and (tenant, execution) in self._watched:
            self._signalr.events(tenant, execution, events)

    async def close(self) -> None:
        if self._signalr:
            await self._signalr.close()
