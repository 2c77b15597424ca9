"""Following an execution over connections that break: what to ask for, and what of the answer is news. No I/O here."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from meta_agents import operations
from meta_agents.errors import ApiError, MetaAgentsError, Unreachable
from meta_agents.operations import Operation
from meta_agents.results import Delta, Event
from meta_agents.sse import Message, Parser

Item = Event | Delta
OnLost = Callable[[MetaAgentsError | None], None]
"""Told when a stream ended before the execution did: why, or None when the server closed it properly."""

SILENCE_SECONDS = 45.0
"""A stream silent for this long is dead: the server sends a heartbeat every 15 seconds."""


@dataclass(frozen=True)
class Reconnect:
    """How to come back after a loss, in seconds. Each wait is twice the one before, less up to half by chance."""

    first: float = 0.25
    longest: float = 5.0
    patience: float = 120.0
    """Give up when nothing has been heard for this long."""

    def delay(self, failures: int) -> float:
        """The wait after the n-th loss in a row (n ≥ 1)."""
        # The exponent is bounded because 2.0 ** 1024 is an OverflowError.
        whole: float = min(self.longest, self.first * 2.0 ** min(failures - 1, 30))
        # After a restart every watcher comes back at once; chance spreads them.
        return whole * random.uniform(0.5, 1)  # noqa: S311 - nothing secret depends on it


class Follower:
    """Where a reader stands in an execution's log: gives each event once and in order, whatever the connection does."""

    def __init__(
        self,
        execution: str,
        after: int,
        reconnect: Reconnect,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ended = False
        self._execution = execution
        self._offset = after
        self._reconnect = reconnect
        self._clock = clock
        self._heard = clock()
        self._failures = 0
        self._parser = Parser()

    def connect(self) -> Operation[None]:
        """The request for a stream of what is not yet known."""
        self._parser = Parser()
        return operations.event_stream(self._execution, self._offset, SILENCE_SECONDS)

    def receive(self, chunk: bytes) -> Iterator[Item]:
        """The news in a chunk of the stream. Raises `Unreachable` when the stream has a hole: connect again."""
        for message in self._parser.feed(chunk):
            item = self._item(message)
            if item is not None:
                yield item
            if self.ended:
                return
        # Only here: a stream that breaks on every connection must exhaust our patience.
        self._heard = self._clock()
        self._failures = 0

    def lost(self, cause: MetaAgentsError | None) -> float:
        """Seconds to wait before connecting again. Raises `cause` when that cannot help, or patience is out."""
        if cause is not None and not cause.is_temporary:
            raise cause
        if self._clock() - self._heard > self._reconnect.patience:
            raise cause or Unreachable(f"The event stream of {self._execution} keeps closing.")
        self._failures += 1
        asked = cause.retry_after if isinstance(cause, ApiError) else None
        return max(self._reconnect.delay(self._failures), asked or 0)

    def _item(self, message: Message) -> Item | None:
        try:
            if message.event == "event":
                return self._news(Event.model_validate_json(message.data))
            if message.event == "delta":
                return Delta.model_validate_json(message.data)
        except ValidationError as error:
            raise ApiError(
                status=200,
                code="unexpected_answer",
                message=f"The event stream of {self._execution} holds a message that is not an {message.event}.",
                action="Update meta-agents, or check that META_AGENTS_URL is its address.",
            ) from error
        # Other names are of newer servers.
        self.ended = message.event == "end"
        return None

    def _news(self, event: Event) -> Event | None:
        if event.offset <= self._offset:
            return None
        if event.offset != self._offset + 1:
            raise Unreachable(f"The event stream jumped from {self._offset} to {event.offset}.")
        self._offset = event.offset
        self.ended = event.is_terminal
        return event
