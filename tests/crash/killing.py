"""Killing the host at random moments, and what is on its disk each time."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from domain.events import Event
from meta_agents.testing import LogEntry, ModelStub
from services.eventlog import EventLog
from services.identity import TENANT
from tests.crash.counting import CountingTools, Effect
from tests.crash.system import System, wait_until
from tests.support import stores

Logs = dict[str, list[Event]]
"""Execution id to its log."""


@dataclass(frozen=True)
class Kill:
    """What there was when the host was dead: each execution's log, and how many lines the stub had written.

    `effects`: what the tools had done by then.
    """

    logs: Logs
    lines: int
    effects: tuple[Effect, ...] = ()


class Progress:
    """How many calls the stub has answered, each counted once; and the tools', if there are some."""

    def __init__(self, stub: ModelStub, tools: CountingTools | None = None) -> None:
        self._stub = stub
        self._tools = tools

    def answered(self) -> int:
        answers = {entry.idempotency_key for entry in self._stub.log("sent")}
        return len(answers | {effect.key for effect in self.effects()})

    def effects(self) -> list[Effect]:
        return self._tools.effects() if self._tools else []

    def wait_for(self, answers: int) -> None:
        wait_until(lambda: self.answered() >= answers, f"{answers} answered calls")

    def wait_for_calls(self, held: Sequence[LogEntry], count: int, answers: int) -> None:
        """Wait until so many calls are held that would be answered in full, or so many have been answered."""
        wait_until(lambda: len(unanswered(held)) >= count or self.answered() >= answers, f"{count} calls under way")


def kill_at_random_moments(
    system: System,
    executions: Sequence[str],
    moments: Sequence[int],
    chance: random.Random,
    most_ms: float,
    tools: CountingTools | None = None,
    under_way: int = 1,
) -> list[Kill]:
    """Kill and restart the host at each of the moments: when so many calls have been answered, and up to `most_ms` on.

    A moment that is reached already falls into the work's beginning anew. At every other kill there are `under_way`
    calls that the model has been asked and does not answer: all random moments might fall between calls. With tools,
    something more has to be answered first each time: the host gives an activity up that was under way at ten deaths.
    """
    progress = Progress(system.stub, tools)
    kills: list[Kill] = []
    answered = progress.answered()
    for number, moment in enumerate(sorted(moments)):
        progress.wait_for(max(moment, answered + 1) if tools else moment)
        with system.stub.hold() if number % 2 else nullcontext() as held:
            if held is None:
                time.sleep(chance.uniform(0, most_ms) / 1000)  # the random moment itself
            else:
                progress.wait_for_calls(held, under_way, max(moments))
            system.host.kill()
            answered = progress.answered()
            logs = logs_on_disk(system.host.state_dir, executions)
            kills.append(Kill(logs, count_lines(system.stub), tuple(progress.effects())))
        system.host.start()
    return kills


def unanswered(lines: Sequence[LogEntry]) -> list[LogEntry]:
    """The requests among these lines of the stub's log that are to be answered in full, and are not yet."""
    sent = {entry.number for entry in lines if entry.event == "sent"}
    return [entry for entry in lines if entry.mode in ("ok", "slow") and entry.number not in sent]


def count_lines(stub: ModelStub) -> int:
    return len(stub.log())


def logs_on_disk(state: Path, executions: Sequence[str]) -> Logs:
    """Logs in the state of a dead host."""
    if stores.ON_AZURE:
        return asyncio.run(_read(state, executions))
    # From a copy: reading the files themselves would tidy up what it left, and spare the next host doing so.
    with tempfile.TemporaryDirectory() as folder:
        for file in state.glob("documents.db*"):
            shutil.copy(file, folder)
        return asyncio.run(_read(Path(folder), executions))


async def _read(state: Path, executions: Sequence[str]) -> Logs:
    documents, artifacts = stores.documents_of(state), stores.artifacts_of(state)
    try:
        log = EventLog(documents, artifacts)
        return {execution: await log.read(TENANT, execution, 0, 100_000) for execution in executions}
    finally:
        await documents.close()
        await artifacts.close()
