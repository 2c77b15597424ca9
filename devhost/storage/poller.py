"""Takes the messages of one queue to one function, as the storage extension of Azure's host does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta

from devhost.settings import QueueOptions
from devhost.storage.connections import Connections
from devhost.storage.errors import StorageError
from devhost.storage.holding import LEASE, Held
from devhost.storage.messages import Message, decode
from devhost.storage.polling import Backoff

log = logging.getLogger("devhost")

Fire = Callable[[Message, bytes], Awaitable[bool]]

_POISON = "-poison"
_LONGEST_NAME = 63
_LONGEST_SILENCE = timedelta(seconds=5)  # how long to leave storage alone that does not answer


@dataclass(frozen=True)
class Source:
    """A queue of the account that the app setting `setting` names."""

    setting: str
    name: str

    @property
    def poison(self) -> Source | None:
        """Where messages go that fail again and again. A poison queue has none, nor has one of too long a name."""
        name = self.name + _POISON
        return None if self.name.endswith(_POISON) or len(name) > _LONGEST_NAME else Source(self.setting, name)


class Poller:
    """Polls one queue from `start` to `stop`."""

    def __init__(self, source: Source, connections: Connections, options: QueueOptions, fire: Fire) -> None:
        """`fire` runs the function on a message and its content, and says whether it succeeded; it does not raise."""
        self._source = source
        self._connections = connections
        self._options = options
        self._fire = fire
        self._bell = connections.bell(source.setting, source.name)
        self._idle = Backoff(options.max_polling_interval)
        self._silence = Backoff(_LONGEST_SILENCE)
        self._stopping = False
        self._polling: asyncio.Task[None] | None = None
        self._held: dict[asyncio.Task[None], Held] = {}

    def start(self) -> None:
        self._polling = asyncio.create_task(self._poll(), name=self._source.name)
        self._polling.add_done_callback(_tell_failure)

    async def stop(self, grace_seconds: float) -> None:
        """Take no more messages, let running functions end for a while, give back the messages of the others."""
        self._stopping = True
        self._bell.set()
        tasks = {*self._held} | ({self._polling} if self._polling else set())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_seconds)
        left = [held for task, held in self._held.items() if task in late]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)  # cancelled, by us
        await self._give_back(left)

    async def _poll(self) -> None:
        while not self._stopping:
            messages = await self._take()
            if messages is None:
                await self._nap(self._silence.next())
            elif messages:
                self._idle.reset()
                await self._begin(messages)
            else:
                await self._nap(self._idle.next())

    async def _take(self) -> list[Message] | None:
        """The next messages, or None when storage does not give any answer."""
        setting = self._source.setting
        try:
            queue = await self._connections.queue(setting, self._source.name)
            messages = await queue.take(self._options.batch_size, LEASE)
        except StorageError as error:
            self._connections.lost(setting, error)
            return None
        self._connections.back(setting)
        self._silence.reset()
        return messages

    async def _begin(self, messages: list[Message]) -> None:
        """Work on `messages`; return when so few are left that there is room for more."""
        queue = await self._connections.queue(self._source.setting, self._source.name)
        taken = [Held(queue, message) for message in messages]
        if self._stopping:  # they came with the last request
            await self._give_back(taken)
            return
        for held in taken:
            task = asyncio.create_task(self._process(held), name=f"{self._source.name} {held.message.id}")
            self._held[task] = held
            task.add_done_callback(self._ended)
        while len(self._held) > self._options.threshold:
            await asyncio.wait(self._held, return_when=asyncio.FIRST_COMPLETED)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._held.pop(task)
        _tell_failure(task)

    async def _nap(self, seconds: float) -> None:
        """Wait until `seconds` have gone or this host itself has put a message into the queue."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        self._bell.clear()

    async def _process(self, held: Held) -> None:
        message, limit = held.message, self._options.max_dequeue_count
        if message.dequeue_count > limit and self._source.poison:
            await self._settle(held, self._bury(held, "its function never ended"))
            return
        try:
            content = decode(message.text, self._options.message_encoding)
        except ValueError:
            reason = "it is not base64, which host.json's extensions.queues.messageEncoding can switch off"
            await self._settle(held, self._bury(held, reason))
            return
        async with held.renewed():
            succeeded = await self._fire(message, content)
        if succeeded:
            await self._settle(held, held.delete())
        elif message.dequeue_count >= limit or self._source.poison is None:
            await self._settle(held, self._bury(held, f"its function failed {message.dequeue_count} times"))
        else:
            await self._settle(held, held.release(self._options.visibility_timeout))
            self._bell.set()

    async def _bury(self, held: Held, reason: str) -> None:
        poison = self._source.poison
        if poison is None:  # it stays hidden until its lease ends, so that it does not fail in a tight loop
            name = self._source.name
            log.warning("The message %s stays in %s, which has no poison queue: %s", held.message.id, name, reason)
            return
        log.warning("The message %s goes to the queue %s: %s", held.message.id, poison.name, reason)
        await held.move(await self._connections.queue(poison.setting, poison.name))
        self._connections.ring(poison.setting, poison.name)

    async def _give_back(self, messages: list[Held]) -> None:
        await asyncio.gather(*(self._settle(held, held.release(timedelta())) for held in messages))

    async def _settle(self, held: Held, outcome: Coroutine[object, object, None]) -> None:
        """Tell storage what became of a message. Where that fails, it comes again: at least once is the promise."""
        try:
            await outcome
        except StorageError as error:
            log.warning("The message %s of %s will come again: %s", held.message.id, self._source.name, error)


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("Work on the queue message or queue %s has failed", task.get_name(), exc_info=error)
