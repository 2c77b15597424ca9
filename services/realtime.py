"""Telling whoever watches, live: followers in this process, and everyone else through SignalR."""

from __future__ import annotations

import json
from collections.abc import Sequence

from domain.events import Delta, Event
from services.bus import Item, LocalBus, Notice, Subscription
from services.signalr import HUB, SignalRPublisher, group_of, messages_of

__all__ = ["SIGNALR_OUTPUT", "Item", "LocalBus", "Notice", "Realtime", "Subscription", "group_of", "to_signalr"]

SIGNALR_OUTPUT = {"type": "signalR", "hubName": HUB, "connectionStringSetting": "AzureSignalRConnectionString"}
"""The output binding of functions that push events by returning them."""


def to_signalr(tenant: str, execution: str, events: Sequence[Event]) -> str:
    """What such a function sets its output to."""
    return json.dumps(messages_of(group_of(tenant, execution), events))


class Realtime:
    """Never blocks and never fails: the log has everything, and watchers fill gaps from it."""

    def __init__(self, bus: LocalBus, signalr: SignalRPublisher | None = None) -> None:
        self.bus = bus
        self._signalr = signalr

    def subscribe(self, tenant: str, execution: str) -> Subscription:
        """Events and deltas made in this process, from now on. Subscribe first and read the log then."""
        return self.bus.subscribe(tenant, execution)

    def publish_delta(self, tenant: str, execution: str, delta: Delta) -> None:
        """To all watchers."""
        self.bus.publish(tenant, execution, [delta])
        if self._signalr:
            self._signalr.delta(tenant, execution, delta)

    def publish_events(self, tenant: str, execution: str, events: Sequence[Event]) -> None:
        """To watchers elsewhere; followers in this process had them from the log, which tells the bus itself."""
        if self._signalr:
            self._signalr.events(tenant, execution, events)

    async def close(self) -> None:
        if self._signalr:
            await self._signalr.close()
