"""The queue triggers of an app: started and stopped with the host, fired by hand through its admin face."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from devhost.converters import converter_for
from devhost.functions import QUEUE_TRIGGER, Function
from devhost.invocation import Invoker
from devhost.settings import QueueOptions
from devhost.storage.bindings import datum_of
from devhost.storage.connections import Connections
from devhost.storage.messages import Message, binding_data, metadata
from devhost.storage.named import queue_name, setting_of
from devhost.storage.poller import Poller, Source

log = logging.getLogger("devhost")

_GRACE_SECONDS = 1.0  # as activities get
_LIFETIME = timedelta(days=7)


class QueueTriggers:
    """All queue triggers of an app, by function name."""

    def __init__(
        self,
        functions: Iterable[Function],
        invoker: Invoker,
        connections: Connections,
        options: QueueOptions,
        environ: Mapping[str, str],
    ) -> None:
        self._invoker = invoker
        self._connections = connections
        self._options = options
        self._by_hand: set[asyncio.Task[bool]] = set()
        self._functions = {
            function.name: function
            for function in functions
            if function.trigger.type == QUEUE_TRIGGER and function.unserved is None
        }
        self._pollers = [self._poller(function, environ) for function in self._functions.values()]

    def start(self) -> None:
        """Begin to poll."""
        for poller in self._pollers:
            poller.start()

    async def stop(self) -> None:
        """Stop polling; functions that have not ended within the limit are cancelled, and their messages come again."""
        await asyncio.gather(self._end_by_hand(), *(poller.stop(_GRACE_SECONDS) for poller in self._pollers))

    def fire_by_hand(self, name: str, content: str) -> None:
        """Run the function `name` on a message that no queue has seen. Raises `KeyError` for another function."""
        now = datetime.now(UTC)
        message = Message(str(uuid.uuid4()), content, 0, now, now + _LIFETIME, now, "")
        task = asyncio.create_task(self._fire(self._functions[name], message, content.encode()), name=name)
        self._by_hand.add(task)
        task.add_done_callback(self._by_hand.discard)

    async def _end_by_hand(self) -> None:
        if not self._by_hand:
            return
        _, late = await asyncio.wait(self._by_hand, timeout=_GRACE_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)  # cancelled, by us

    def _poller(self, function: Function, environ: Mapping[str, str]) -> Poller:
        async def fire(message: Message, content: bytes) -> bool:
            return await self._fire(function, message, content)

        trigger = function.trigger
        source = Source(setting_of(trigger, environ), queue_name(trigger.text("queueName")))
        return Poller(source, self._connections, self._options, fire)

    async def _fire(self, function: Function, message: Message, content: bytes) -> bool:
        """Run the function; whether it succeeded."""
        trigger = function.trigger
        value = converter_for(trigger.type, trigger.annotation).decode(
            datum_of(trigger, content), trigger_metadata=metadata(message)
        )
        try:
            await self._invoker.invoke(function, value, binding_data(message, content), _no_answer)
        except Exception:  # user code raises anything; the log has it already, and the message is tried again
            return False
        return True


def _no_answer(_: object) -> None:
    """A queue has nobody to answer to; the invoker refuses a returned value without a binding."""
