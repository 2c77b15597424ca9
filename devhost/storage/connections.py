"""Storage accounts by the app setting that names them, and whether they answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from devhost.storage.errors import StorageError, UnreachableError
from devhost.storage.named import is_emulator

if TYPE_CHECKING:
    from devhost.storage.blob_client import BlobService
    from devhost.storage.queue_client import Queue, QueueService

log = logging.getLogger("devhost")


class Connections:
    """The clients of an app, one per setting, made at first use. A setting is one that `setting_of` found."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._queues: dict[str, QueueService] = {}
        self._blobs: dict[str, BlobService] = {}
        self._bells: dict[tuple[str, str], set[asyncio.Event]] = {}
        self._lost: set[str] = set()

    async def queue(self, setting: str, name: str) -> Queue:
        """The queue `name`, whether it exists or not."""
        if setting not in self._queues:
            service = await asyncio.to_thread(_queue_service)  # its import takes long: the host serves meanwhile
            self._queues.setdefault(setting, service(self._environ[setting]))
        return self._queues[setting].queue(name)

    async def blobs(self, setting: str) -> BlobService:
        if setting not in self._blobs:
            service = await asyncio.to_thread(_blob_service)
            self._blobs.setdefault(setting, service(self._environ[setting]))
        return self._blobs[setting]

    async def close(self) -> None:
        """Close what is open; the connections cannot be used any more."""
        services: list[QueueService | BlobService] = [*self._queues.values(), *self._blobs.values()]
        for service in services:
            await service.close()

    def bell(self, setting: str, queue: str) -> asyncio.Event:
        """An event that is set whenever this host puts a message into the queue."""
        event = asyncio.Event()
        self._bells.setdefault((setting, queue), set()).add(event)
        return event

    def ring(self, setting: str, queue: str) -> None:
        for event in self._bells.get((setting, queue), ()):
            event.set()

    def lost(self, setting: str, error: StorageError) -> None:
        """Say, once until it is `back`, that an account cannot be used."""
        if setting in self._lost:
            return
        self._lost.add(setting)
        hint = ""
        if isinstance(error, UnreachableError) and is_emulator(self._environ[setting]):
            hint = " Start Azurite (npx azurite --skipApiVersionCheck)."
        log.warning(
            "The storage of the app setting '%s' cannot be used: %s.%s The host keeps trying.", setting, error, hint
        )

    def back(self, setting: str) -> None:
        """Note that an account has answered, and say so after it was lost."""
        if setting in self._lost:
            self._lost.remove(setting)
            log.info("The storage of the app setting '%s' answers now.", setting)


def _queue_service() -> type[QueueService]:
    from devhost.storage.queue_client import QueueService  # noqa: PLC0415 - half a second, and few apps need it

    return QueueService


def _blob_service() -> type[BlobService]:
    from devhost.storage.blob_client import BlobService  # noqa: PLC0415 - as above

    return BlobService
