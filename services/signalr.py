"""Pushing to watchers through Azure SignalR Service's REST interface: best effort, in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from domain.events import Delta, Event
from services.entra import NoToken
from services.signalr_endpoint import Endpoint

if TYPE_CHECKING:
    import httpx

HUB = "executions"
API_VERSION = "2022-06-01"

BATCH_SECONDS = 0.05
TIMEOUT_SECONDS = 5.0
EVENTS_PER_MESSAGE = 16
"""An event is at most about 16 KB, and the service takes 1 MB."""
MOST_WAITING = 2_000
"""Messages that wait while the service is slow; more are dropped, for the log has everything that counts."""
_SENDING_AT_ONCE = 8

_log = logging.getLogger(__name__)
Message = list[Event] | Delta


def group_of(tenant: str, execution: str) -> str:
    """The SignalR group of everyone who watches this execution."""
    return f"{tenant}.{execution}"


def messages_of(group: str, events: Sequence[Event]) -> list[dict[str, Any]]:
    """The events as SignalR messages, small enough for the service."""
    sent = [event.model_dump(mode="json") for event in events]
    parts = [sent[start : start + EVENTS_PER_MESSAGE] for start in range(0, len(sent), EVENTS_PER_MESSAGE)]
    return [{"target": "events", "groupName": group, "arguments": [part]} for part in parts]


class SignalRPublisher:
    """Collects for a moment, joins what can be joined, and sends each group's messages in their order."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._waiting: dict[str, list[Message]] = {}
        self._count = 0
        self._task: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None
        self._failing = False

    def events(self, tenant: str, execution: str, events: Sequence[Event]) -> None:
        """Needs a running loop; returns at once and never fails."""
        for start in range(0, len(events), EVENTS_PER_MESSAGE):
            self._add(group_of(tenant, execution), list(events[start : start + EVENTS_PER_MESSAGE]))

    def delta(self, tenant: str, execution: str, delta: Delta) -> None:
        """Needs a running loop; returns at once and never fails."""
        waiting = self._waiting.get(group_of(tenant, execution), [])
        for index in range(len(waiting) - 1, -1, -1):
            earlier = waiting[index]
            if not isinstance(earlier, Delta):
                break  # not past an event: it may have begun this very attempt
            if (earlier.call, earlier.attempt) == (delta.call, delta.attempt):
                waiting[index] = earlier.model_copy(update={"text": earlier.text + delta.text})
                return
        self._add(group_of(tenant, execution), delta)

    async def close(self) -> None:
        """Send what waits, then stop."""
        if self._task is not None:
            await self._task
        if self._client is not None:
            await self._client.aclose()

    def _add(self, group: str, message: Message) -> None:
        if self._count >= MOST_WAITING:
            return
        self._count += 1
        self._waiting.setdefault(group, []).append(message)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        import httpx  # noqa: PLC0415 - slow to import

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS)
        places = asyncio.Semaphore(_SENDING_AT_ONCE)
        while True:
            await asyncio.sleep(BATCH_SECONDS)
            if not self._waiting:
                return
            batch, self._waiting, self._count = self._waiting, {}, 0
            await asyncio.gather(*(self._send_group(self._client, places, *entry) for entry in batch.items()))

    async def _send_group(
        self, client: httpx.AsyncClient, places: asyncio.Semaphore, group: str, messages: list[Message]
    ) -> None:
        import httpx  # noqa: PLC0415 - slow to import

        async with places:
            for message in messages:
                try:
                    await self._send(client, group, message)
                except (httpx.HTTPError, NoToken) as error:
                    self._note_failure(error)
                    return  # watchers fill the gap from the log
        self._failing = False

    async def _send(self, client: httpx.AsyncClient, group: str, message: Message) -> None:
        url = f"{self._endpoint.url}/api/hubs/{HUB}/groups/{quote(group, safe='')}/:send"
        headers = {"Authorization": await self._endpoint.authorization(url)}
        query = {"api-version": API_VERSION}
        response = await client.post(url, params=query, headers=headers, json=_payload(message))
        response.raise_for_status()

    def _note_failure(self, error: Exception) -> None:
        if not self._failing:  # once, not twenty times a second
            _log.warning("SignalR did not take messages, so watchers see them late: %s", str(error) or repr(error))
        self._failing = True


def _payload(message: Message) -> dict[str, Any]:
    if isinstance(message, Delta):
        return {"target": "delta", "arguments": [message.model_dump(mode="json")]}
    return {"target": "events", "arguments": [[event.model_dump(mode="json") for event in message]]}
