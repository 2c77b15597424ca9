"""What runs functions besides callers and the durable engine: the clock, and queues."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from devhost.functions import QUEUE_TRIGGER, Function, JsonValue
from devhost.storage.triggers import QueueTriggers
from devhost.timers.service import Timers


@dataclass(frozen=True)
class Triggers:
    """All of them, started and stopped together."""

    timers: Timers
    queues: QueueTriggers

    def start(self) -> None:
        self.timers.start()
        self.queues.start()

    def fire_by_hand(self, function: Function, given: JsonValue) -> None:
        """Run a timer or queue function now. `given` is the message; for a timer, which has a schedule, it is no use."""
        if function.trigger.type == QUEUE_TRIGGER:
            self.queues.fire_by_hand(function.name, given if isinstance(given, str) else json.dumps(given))
        else:
            self.timers.fire_by_hand(function.name)

    async def stop(self) -> None:
        """Run nothing more; what each does about functions under way, it says itself."""
        await asyncio.gather(self.timers.stop(), self.queues.stop())
