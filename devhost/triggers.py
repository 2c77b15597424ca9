"""What runs functions besides callers and the durable engine: the clock, queues, and clients of SignalR."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from devhost.functions import QUEUE_TRIGGER, SIGNALR_TRIGGER, TIMER_TRIGGER, Function, JsonValue
from devhost.signalr.trigger import SignalRTriggers
from devhost.storage.triggers import QueueTriggers
from devhost.timers.service import Timers

BY_HAND = frozenset({TIMER_TRIGGER, QUEUE_TRIGGER, SIGNALR_TRIGGER})


@dataclass(frozen=True)
class Triggers:
    """All of them, started and stopped together."""

    timers: Timers
    queues: QueueTriggers
    signalr: SignalRTriggers

    def start(self) -> None:
        self.timers.start()
        self.queues.start()

    def fire_by_hand(self, function: Function, given: JsonValue) -> None:
        """Run a function now, whose trigger is one of `BY_HAND`.

        `given` is the message or the invocation; for a timer, which has a schedule, it is no use.
        """
        text = given if isinstance(given, str) else json.dumps(given)
        if function.trigger.type == QUEUE_TRIGGER:
            self.queues.fire_by_hand(function.name, text)
        elif function.trigger.type == SIGNALR_TRIGGER:
            self.signalr.fire_by_hand(function, text)
        else:
            self.timers.fire_by_hand(function.name)

    async def stop(self) -> None:
        """Run nothing more; what each does about functions under way, it says itself."""
        await asyncio.gather(self.timers.stop(), self.queues.stop(), self.signalr.stop())
