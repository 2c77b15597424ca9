"""People who answer every question and send every event, while the host that asks is killed and comes back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from meta_agents import ApiError, Client, MetaAgentsError
from tests.crash.system import TOKEN
from tests.language.script import number, signal

LOOKS_EVERY = 0.05
EVENTS = 12
"""Sent of each name to each execution: as many as are waited for, and more."""
NAMES = ("go", "stop")


class People:
    """On a thread of their own, for as long as the context lasts. What they decide depends on the step alone."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._work, name="people", daemon=True)
        self._unsent: list[tuple[str, int]] = []

    def send_events(self, executions: Sequence[str]) -> None:
        """Have all events sent to the executions, some now and some later."""
        self._unsent += [(execution, index) for index in range(EVENTS) for execution in executions]

    def _work(self) -> None:
        with Client(self._address, TOKEN) as client:
            while not self._gone.wait(LOOKS_EVERY):
                with suppress(MetaAgentsError):  # the host is down, or somebody else was quicker
                    self._answer(client)
                    self._send(client)

    def _answer(self, client: Client) -> None:
        for asked in client.approvals.list(state="pending"):
            client.approvals.decide(asked.id, asked.options[number("decides", asked.step) % 2])

    def _send(self, client: Client) -> None:
        for execution, index in self._unsent[:10]:
            for name in NAMES:
                with suppress(ApiError):  # it may have ended by then
                    client.executions.send(execution, name, signal(name), idempotency_key=f"{name}-{index}")
            self._unsent.remove((execution, index))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._gone.set()
        self._thread.join()
