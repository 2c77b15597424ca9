"""Three ways to follow an execution, each on a thread: what they saw, and over which of their connections."""

from __future__ import annotations

import json
import subprocess
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from meta_agents import Client
from meta_agents.following import Reconnect
from meta_agents.results import Delta
from services.identity import TENANT
from tests.crash.system import SECONDS, TOKEN, wait_until

JS = Path(__file__).parents[1] / "js"
PAUSE = 0.1
"""Seconds between attempts to connect."""


class Reader(ABC):
    """`events` is the log as it came, unsorted and unfiltered by us; `live` counts what came only because it was live.

    `live[n]` is for the n-th connection, beginning with 1: pieces of answers, which the log does not have.
    """

    def __init__(self, address: str, execution: str) -> None:
        self.address = address
        self.execution = execution
        self.events: list[dict[str, Any]] = []
        self.connections = 0
        self.live: Counter[int] = Counter()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=type(self).__name__, daemon=True)

    @abstractmethod
    def _follow(self) -> None:
        """Read to the end of the execution, or until told to stop."""

    @property
    def watches_live(self) -> bool:
        """Whether the latest connection has brought something live."""
        return self.live[self.connections] > 0

    def wait_for_end(self) -> None:
        wait_until(lambda: not self._thread.is_alive(), f"the end of what {self._thread.name} reads", SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()


class BareStream(Reader):
    """Server-sent events as EventSource reads them: nothing remembered but the last id."""

    def _follow(self) -> None:
        last = ""
        while not self._stopped.is_set():
            try:
                with self._connected(last) as stream:
                    self.connections += 1
                    for message in self._messages(stream):
                        last = message.get("id", last)
                        if message["event"] == "end":
                            return
            except httpx.TransportError:
                self._stopped.wait(PAUSE)

    def _connected(self, last: str) -> AbstractContextManager[httpx.Response]:
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {TOKEN}"}
        if last:
            headers["Last-Event-ID"] = last
        url = f"{self.address}/api/executions/{self.execution}/events"
        return httpx.stream("GET", url, headers=headers, timeout=SECONDS, trust_env=False)

    def _messages(self, stream: httpx.Response) -> Iterator[dict[str, str]]:
        assert stream.status_code == 200
        message: dict[str, str] = {}
        for line in stream.iter_lines():
            if line:
                field, _, value = line.partition(": ")
                message[field] = value
                continue
            if message.get("event") == "event":
                self.events.append(json.loads(message["data"]))
            elif message.get("event") == "delta":
                self.live[self.connections] += 1
            if "event" in message:
                yield message
            message = {}


class ClientLibrary(Reader):
    """`Client.executions.follow`, which reconnects by itself."""

    def _follow(self) -> None:
        self.connections = 1
        with Client(self.address, TOKEN) as client:
            for item in client.executions.follow(
                self.execution, reconnect=Reconnect(first=PAUSE), on_lost=lambda _: self._lost()
            ):
                if isinstance(item, Delta):
                    self.live[self.connections] += 1
                else:
                    self.events.append(item.as_sent())
                if self._stopped.is_set():
                    return

    def _lost(self) -> None:
        self.connections += 1


class StockSignalR(Reader):
    """Microsoft's JavaScript client in a Node process; `pushed` are the offsets each connection was sent."""

    def __init__(self, address: str, execution: str) -> None:
        super().__init__(address, execution)
        self.pushed: dict[int, list[int]] = {}

    def __enter__(self) -> Self:
        assert (JS / "node_modules").is_dir(), "run 'npm ci' in tests/js first"
        command = ["node", "follow_execution.mjs", self.address, TOKEN, TENANT, self.execution]
        self._process = subprocess.Popen(command, cwd=JS, stdout=subprocess.PIPE, text=True)
        return super().__enter__()

    @property
    def watches_live(self) -> bool:
        return super().watches_live and bool(self.pushed.get(self.connections))

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            match said["what"]:
                case "event":
                    self.events.append(said["event"])
                case "pushed":
                    self.pushed.setdefault(said["connection"], []).extend(said["offsets"])
                case "delta":
                    self.live[said["connection"]] += 1
                case "connected":
                    self.connections = said["connection"]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)
        self._process.kill()
        self._process.wait()
        self._thread.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
