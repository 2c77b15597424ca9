"""Our side: the local host as a child process, and a client that speaks HTTP to it as any caller would."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import aiohttp

from bench.process import Process, ProcessFailed
from bench.sides import Place, WrongResult
from bench.workloads import Kind, Workload, agents, definition, parking, task
from devhost.engine.database import open_database
from services.documents.sqlite_file import open_writer

TOKEN = "bench"  # noqa: S105 - of a server on loopback that lives for seconds
POLL_SECONDS = 0.02
MANY_POLL_SECONDS = 0.05
"""Rarer where there is more to do: each look costs the host a millisecond of its time."""
LONGEST_WAIT = 60


class Ours:
    """The local host with the real app. Only the client of the model endpoint is another."""

    name = "ours"

    def start(self, place: Place) -> OursRunning:
        return OursRunning(place)


class OursRunning:
    def __init__(self, place: Place) -> None:
        command = ["-m", "devhost", "--port", "0", "--state", str(place.state / "devhost.db")]
        environment = {
            **place.environment(),
            **place.more,
            "PYTHON_SCRIPT_FILE_NAME": "function_app.py" if place.endpoint else "bench/app/stubbed.py",
            "META_AGENTS_STATE_DIR": str(place.state),
            "META_AGENTS_TOKEN": TOKEN,
            "OPENAI_BASE_URL": place.endpoint or "http://127.0.0.1:9/v1",
            "OPENAI_API_KEY": "stub",
            "MODEL_NAME": "stub-model",
        }
        self.process = Process([sys.executable, *command], environment, place.calls.parent, place.trace)
        self._url = self.process.line("devhost ready: ")
        self.ready_seconds = time.time() - self.process.started
        self.settings = durability()
        self._runner = asyncio.Runner()
        self._client = self._runner.run(_client(self._url))

    def prepare(self, kind: Kind, size: int) -> None:
        self._runner.run(self._prepare(definition(kind, size)))

    async def _prepare(self, workflow: dict[str, Any]) -> None:
        for agent in agents():
            await self._ask("PUT", f"/api/agents/{agent['name']}", agent)
        await self._ask("PUT", f"/api/workflows/{workflow['name']}", workflow)

    def run(self, workload: Workload) -> None:
        self._runner.run(self._run_one(workload) if workload.executions == 1 else self._run_many(workload))

    def begin(self, workload: Workload) -> str:
        return str(self._runner.run(self._start(workload))["id"])

    def finish(self, workload: Workload, id: str) -> None:
        self._runner.run(self._finish(workload, id))

    def execute(self, workflow: dict[str, Any], calls: int) -> None:
        """Define the workflow and execute it once. Raises `WrongResult` unless it ends well after so many calls."""
        self._runner.run(self._execute(workflow, calls))

    async def _execute(self, workflow: dict[str, Any], calls: int) -> None:
        await self._prepare(workflow)
        body = {"workflow": workflow["name"], "input": {}}
        await self._ended(await self._ask("POST", f"/api/executions?wait={LONGEST_WAIT}", body), calls)

    def prepare_parking(self) -> None:
        self._runner.run(self._prepare(parking()))

    def park(self, count: int) -> None:
        """Start so many executions that wait for a timer, and return when they do."""
        self._runner.run(self._park(count))

    async def _park(self, count: int) -> None:
        body = {"workflow": parking()["name"], "input": {}}
        started = await asyncio.gather(*(self._ask("POST", "/api/executions", body) for _ in range(count)))
        for execution in started:
            await self._until_parked(execution["id"])

    async def _until_parked(self, id: str) -> None:
        while True:
            page = await self._ask("GET", f"/api/executions/{id}/events")
            if any(event["type"] == "call.failed" for event in page["events"]):
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _start(self, workload: Workload, wait: int = 0) -> dict[str, Any]:
        name = definition(workload.kind, workload.size)["name"]
        body = {"workflow": name, "input": task(workload.kind, workload.size)}
        record: dict[str, Any] = await self._ask("POST", f"/api/executions?wait={wait}", body)
        return record

    async def _run_one(self, workload: Workload) -> None:
        await self._ended(await self._start(workload, LONGEST_WAIT), workload.size)

    async def _ended(self, record: dict[str, Any], calls: int) -> None:
        while record["status"] == "running":
            await asyncio.sleep(POLL_SECONDS)
            record = await self._ask("GET", f"/api/executions/{record['id']}")
        _check(record, calls)

    async def _run_many(self, workload: Workload) -> None:
        started = await asyncio.gather(*(self._start(workload) for _ in range(workload.executions)))
        await self._until_none_runs()
        for execution in started:
            _check(await self._ask("GET", f"/api/executions/{execution['id']}"), workload.size)

    async def _until_none_runs(self) -> None:
        while (await self._ask("GET", "/api/executions?status=running&limit=1"))["items"]:  # noqa: ASYNC110
            await asyncio.sleep(MANY_POLL_SECONDS)

    async def _finish(self, workload: Workload, id: str) -> None:
        await self._ended(await self._ask("GET", f"/api/executions/{id}"), workload.size)

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            async with self._client.request(method, path, json=body) as response:
                if response.status >= 300:
                    raise WrongResult(f"{method} {path}: {response.status} {await response.text()}")
                return await response.json()
        except aiohttp.ClientError as error:
            raise ProcessFailed(f"{method} {path}: {error!r}\n{self.process.last_words()}") from error

    def kill(self) -> None:
        self.process.kill()
        self._runner.run(self._client.close())
        self._runner.close()


@lru_cache
def durability() -> str:
    """How the two state files are opened."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, opened in (("host", open_database), ("documents", open_writer)):
            with contextlib.closing(opened(Path(folder) / name)) as connection:
                journal, sync = (
                    connection.execute(f"PRAGMA {it}").fetchone()[0] for it in ("journal_mode", "synchronous")
                )
            found.append(f"{name} journal {journal}, sync {sync}")
    return ", ".join(found)


async def _client(url: str) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    connector = aiohttp.TCPConnector(limit=32)
    return aiohttp.ClientSession(url, headers=headers, connector=connector, timeout=aiohttp.ClientTimeout(600))


def _check(record: dict[str, Any], calls: int) -> None:
    made = record["usage"]["model_calls"]
    if record["status"] != "completed" or made != calls:
        raise WrongResult(f"an execution is {record['status']} after {made} of {calls} calls: {record['error']}")
