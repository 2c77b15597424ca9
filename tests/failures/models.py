"""A model endpoint of raw answers, reachable from a test that is not asynchronous itself."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from tests.services.models.endpoint import RawEndpoint


class RawModel:
    """Answers every request with `endpoint.reply`, on a thread of its own, for as long as the context lasts."""

    def __init__(self) -> None:
        self.endpoint: RawEndpoint
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="raw-model", daemon=True)

    @property
    def base_url(self) -> str:
        return f"{self.endpoint.origin}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        self.endpoint = asyncio.run_coroutine_threadsafe(RawEndpoint().__aenter__(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self.endpoint.__aexit__(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
