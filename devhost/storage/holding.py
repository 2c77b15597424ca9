"""A message that this host works on: hidden from everybody else until it says what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

from devhost.storage.errors import StorageError
from devhost.storage.messages import Message

if TYPE_CHECKING:
    from devhost.storage.queue_client import Queue

log = logging.getLogger("devhost")

# How long a message stays hidden when its host is killed. Azure takes ten minutes; who restarts a host waits for it.
LEASE = timedelta(minutes=1)


class Held:
    """A taken message. It changes with each renewal, since storage then gives another receipt for it."""

    def __init__(self, queue: Queue, message: Message) -> None:
        self.message = message
        self._queue = queue

    @contextlib.asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Keep it hidden as long as the block runs."""
        ended = asyncio.Event()
        task = asyncio.create_task(self._renew(ended))
        try:
            yield
        finally:
            ended.set()
            await task  # not cancelled: a renewal that is under way ends with the receipt that counts from then on

    async def delete(self) -> None:
        await self._queue.delete(self.message)

    async def release(self, length: timedelta) -> None:
        """Let it be seen again after `length`."""
        await self._queue.hide(self.message, length)

    async def move(self, other: Queue) -> None:
        """Put it into another queue; a kill in between leaves it in both."""
        await other.put(self.message.text)
        await self.delete()

    async def _renew(self, ended: asyncio.Event) -> None:
        while not await _comes(ended, LEASE.total_seconds() / 3):
            try:
                self.message = await self._queue.hide(self.message, LEASE)
            except StorageError as error:  # there is time for another try; without success others get the message
                log.warning("The message %s cannot be kept hidden: %s", self.message.id, error)


async def _comes(event: asyncio.Event, seconds: float) -> bool:
    """Whether `event` is set before `seconds` have gone."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
