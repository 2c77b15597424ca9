"""The operator who is asked what became of a tool call: looks at the other side, and says what is true."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Self

from meta_agents import Client, MetaAgentsError
from meta_agents.results import Approval
from tests.crash.counting import CountingTools
from tests.crash.system import TOKEN

LOOKS_EVERY = 0.05


class Looker:
    """On a thread of their own, for as long as the context lasts. `said` counts the answers that were taken."""

    def __init__(self, address: str, tools: CountingTools) -> None:
        self._address = address
        self._tools = tools
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._work, name="looker", daemon=True)
        self.said: Counter[str] = Counter()

    def _work(self) -> None:
        with Client(self._address, TOKEN) as client:
            while not self._gone.wait(LOOKS_EVERY):
                with suppress(MetaAgentsError):  # the host is down
                    for asked in client.approvals.list(state="pending"):
                        self._answer(client, asked)

    def _answer(self, client: Client, asked: Approval) -> None:
        assert asked.kind == "uncertain"
        done = self._tools.of(f"{asked.execution}:{asked.step}#0")
        decision, comment = ("carried_out", json.dumps(done[0].result)) if done else ("call_again", "")
        client.approvals.decide(asked.id, decision, comment=comment)
        self.said[decision] += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._gone.set()
        self._thread.join()
