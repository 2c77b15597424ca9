"""The model stub for as long as a test needs it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx
import uvicorn

from meta_agents.testing.asked import Asked
from meta_agents.testing.control import Mode
from meta_agents.testing.server import MODEL, LogEntry, Script, Stub


def server_for(stub: Stub) -> uvicorn.Server:
    # Cut-off answers are meant: no complaint about them.
    return uvicorn.Server(uvicorn.Config(stub.app, log_level="critical", lifespan="off", ws="none"))


def listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


class ModelStub:
    """The stub on a thread of this process, for as long as the context lasts.

    `log_file` is appended to, line by line as requests come and are answered, if it is given: it outlives the process.
    `latency`: seconds before each answer. `port` 0 takes a free one, on loopback.
    """

    def __init__(
        self, log_file: Path | None = None, *, latency: float = 0, port: int = 0, script: Script | None = None
    ) -> None:
        self._stub = Stub(log_file, latency, script)
        self._server = server_for(self._stub)
        # Listening from here on: a client that comes early waits, and nobody has to wait for us.
        self._socket = listen(port)
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, name="model-stub", daemon=True)

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    @property
    def base_url(self) -> str:
        """What OpenAI clients are given."""
        return f"{self.origin}/v1"

    def environment(self) -> dict[str, str]:
        """What the app must be started with to use this model."""
        return {"OPENAI_BASE_URL": self.base_url, "OPENAI_API_KEY": "stub", "MODEL_NAME": MODEL}

    def control(
        self,
        mode: Mode = "ok",
        *,
        times: int | None = None,
        key: str = "",
        retry_after: float = 1,
        delay: float = 5,
        pace: float = 0,
        answers: list[Any] | None = None,
    ) -> None:
        """Behave so from the next request on; see docs/testing.md. Without arguments: as at the start."""
        told = {"mode": mode, "times": times, "key": key, "retry_after": retry_after, "delay": delay, "pace": pace}
        body = told | {"answers": answers or []}
        httpx.post(f"{self.origin}/control", json=body, timeout=10).raise_for_status()

    @contextmanager
    def hold(self) -> Iterator[Sequence[LogEntry]]:
        """Begin no answer for as long as the context lasts: who asks is kept waiting, and stands in what this yields.

        Failures come all the same, and an answer that has begun goes on.
        """
        held: list[LogEntry] = []
        self._stub.held = held
        try:
            yield held
        finally:
            self._stub.held = None

    @property
    def requests(self) -> list[Asked]:
        """Every chat completion that was asked for, oldest first."""
        return list(self._stub.requests)

    def log(self, event: Literal["start", "sent"] | None = None) -> list[LogEntry]:
        """The log so far, oldest first, of one kind of event or of both."""
        return [entry for entry in self._stub.entries if event in (None, entry.event)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._stub.close()
