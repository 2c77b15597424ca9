"""Killing the host at random moments, and what is on its disk each time."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.events import Event
from services.artifacts.folder import FolderArtifacts
from services.documents.sqlite import SqliteDocuments
from services.eventlog import EventLog
from services.identity import TENANT
from tests.crash.system import System, wait_until

Logs = dict[str, list[Event]]
"""Execution id to its log."""


@dataclass(frozen=True)
class Kill:
    """What there was when the host was dead: each execution's log, and how many lines the stub had written."""

    logs: Logs
    lines: int


def kill_at_random_moments(
    system: System, executions: Sequence[str], times: int, chance: random.Random, *, most_lines: int, most_ms: float
) -> list[Kill]:
    """Kill and restart the host so often: after up to `most_lines` more lines of the stub and up to `most_ms` more.

    No line means: while it is starting to work again.
    """
    kills: list[Kill] = []
    lines = count_lines(system.stub.log_file)
    for _ in range(times):
        wait_for_lines(system.stub.log_file, lines, chance.randint(0, most_lines))
        time.sleep(chance.uniform(0, most_ms) / 1000)  # the random moment itself
        system.host.kill()
        lines = count_lines(system.stub.log_file)
        kills.append(Kill(logs_on_disk(system.host.state_dir, executions), lines))
        system.host.start()
    return kills


def count_lines(file: Path) -> int:
    return file.read_bytes().count(b"\n")


def wait_for_lines(file: Path, so_far: int, more: int) -> None:
    wait_until(lambda: count_lines(file) >= so_far + more, f"{more} lines in {file.name} after the first {so_far}")


def logs_on_disk(state: Path, executions: Sequence[str]) -> Logs:
    """Read from a copy: reading the files themselves would tidy up what the dead host left, and spare the next one."""
    with tempfile.TemporaryDirectory() as folder:
        for file in state.glob("documents.db*"):
            shutil.copy(file, folder)
        return asyncio.run(_read(Path(folder), executions))


async def _read(folder: Path, executions: Sequence[str]) -> Logs:
    documents = SqliteDocuments(folder / "documents.db")
    try:
        log = EventLog(documents, FolderArtifacts(folder / "artifacts"))
        return {execution: await log.read(TENANT, execution, 0, 100_000) for execution in executions}
    finally:
        await documents.close()
