"""One client's work with the host while that is killed: everything is asked for until it was accepted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx

from tests.crash.host.mortal import SECONDS, Mortal

API = "/runtime/webhooks/durabletask"
ORCHESTRATIONS = (
    "chain", "fan_out", "naps", "race", "listens", "writes", "family", "generations", "stubborn", "calls", "patient",
)  # fmt: skip
THROUGH_THE_APP = ("chain", "naps")
"""Started by a function of the app with its durable client, the others by the host's own API."""
WORDS = tuple(f"word-{number}" for number in range(4))
SIGNALS = tuple(f"client-{number}" for number in range(4))


class Work:
    """`sent` says how often something may have arrived: once for what was accepted at the first try."""

    def __init__(self, host: Mortal) -> None:
        self.host = host
        self.sent: dict[str, int] = {}
        self._http = httpx.Client(timeout=20, trust_env=False)

    def do(self) -> None:
        """All of it, to its end; the host lives when this returns."""
        for name in ORCHESTRATIONS:
            self._start(name)
        self._insist("POST", "/orchestrators/patient/doomed", also=409)
        self._insist("POST", "/orchestrators/naps/fleeting", also=409)
        self._insist("POST", "/instances/patient/suspend?reason=wait")
        for word, signal in zip(WORDS, SIGNALS, strict=True):
            self._send("/instances/listens/raiseEvent/word", word)
            self._send("/entities/book/shared?op=add", signal)
        self._insist("POST", "/instances/listens/raiseEvent/word", "end", also=410)
        self._send("/instances/patient/raiseEvent/go", "went")
        self._insist("POST", "/instances/doomed/terminate?reason=enough", also=410)
        self._stays_suspended()
        self._insist("POST", "/instances/patient/resume?reason=go+on", also=410)
        for name in (*ORCHESTRATIONS, "doomed", "fleeting"):
            self._end_of(name)
        self._purged("fleeting")
        self._quiet()

    def read(self, path: str) -> Any:
        """The JSON of a GET, None when there is no such thing."""
        while True:
            if (answer := self._ask("GET", API + path)) is not None:
                assert answer.status_code in (200, 202, 404), answer.text
                return None if answer.status_code == 404 else answer.json()

    def close(self) -> None:
        self._http.close()

    def _start(self, name: str) -> None:
        path = f"/api/begin/{name}" if name in THROUGH_THE_APP else f"{API}/orchestrators/{name}/{name}"
        while (answer := self._ask("POST", path)) is None:
            # It may be there although its answer got lost; and one that has ended would be started anew.
            if self.read(f"/instances/{name}") is not None:
                return
        assert answer.status_code == 202, answer.text

    def _stays_suspended(self) -> None:
        status = self.read("/instances/patient")
        assert (status["runtimeStatus"], status["output"]) == ("Suspended", None)

    def _purged(self, name: str) -> None:
        self._insist("DELETE", f"/instances/{name}", also=404)
        assert self.read(f"/instances/{name}") is None

    def _send(self, path: str, text: str) -> None:
        self.sent[text] = self._insist("POST", path, text)

    def _insist(self, method: str, path: str, text: str | None = None, also: int = 0) -> int:
        """Ask until it is accepted; how often. `also` is how a request that was accepted already is refused."""
        tries = 1
        content = None if text is None else json.dumps(text)
        while (answer := self._ask(method, API + path, content)) is None:
            tries += 1
        assert answer.status_code in (200, 202) or (tries > 1 and answer.status_code == also), answer.text
        return tries

    def _end_of(self, name: str) -> None:
        for _ in self._moments(f"the end of {name}"):
            if self.read(f"/instances/{name}")["runtimeStatus"] not in ("Pending", "Running"):
                return

    def _quiet(self) -> None:
        """Wait until the last signal has had its effect."""
        for _ in self._moments("the last signal"):
            if {"signal-3", SIGNALS[-1]} <= set(self.read("/entities/book/shared")):
                return

    def _moments(self, what: str) -> Iterator[None]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            yield
            time.sleep(0.01)
        raise AssertionError(f"{what} never came")

    def _ask(self, method: str, path: str, content: str | None = None) -> httpx.Response | None:
        """The host's answer; None when it died first, and then it lives again."""
        try:
            headers = {"Content-Type": "application/json"}
            return self._http.request(method, self.host.url + path, content=content, headers=headers)
        except httpx.TransportError:
            self.host.revive()
            return None
