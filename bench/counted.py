"""What executions use, counted in real runs: the local host serves the app, its documents in the Cosmos DB of
`tests/cosmos`, the model a stub, its telemetry sent to a collector of our own.

Request units are that server's model of them. All else is counted: requests, durable work, events, messages, bytes.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from bench.process import ROOT
from devhost.engine.history import EventType
from meta_agents import Client
from meta_agents.testing import ModelStub
from meta_agents.testing.answers import Answer
from meta_agents.testing.asked import Asked
from meta_agents.testing.control import Turn
from tests.cosmos.running import Cosmos, start
from tools.processes import Host

TOKEN = "bench"  # noqa: S105 - of a host that lives for a minute
EXAMPLES = ROOT / "examples"
ANSWER = "The findings of this step, in a few sentences of plain words. " * 7
"""434 characters, as in the other measurements."""
DEMOS = {
    "launch-brief": ("idea", "product-idea.md"),
    "design-review": ("proposal", "design-proposal.md"),
    "incident-panel": ("report", "incident-report.md"),
}
FIVE = "five-in-a-row"
QUIET = 0.6
MESSAGE_BYTES = 2_048
"""What Azure SignalR Service counts as one message."""
ACTIONS = frozenset(
    {
        EventType.EXECUTION_STARTED,
        EventType.TASK_SCHEDULED,
        EventType.TASK_COMPLETED,
        EventType.TASK_FAILED,
        EventType.SUB_ORCHESTRATION_COMPLETED,
        EventType.SUB_ORCHESTRATION_FAILED,
        EventType.TIMER_FIRED,
        EventType.EVENT_RAISED,
        EventType.EVENT_SENT,
    }
)
"""What Durable Task Scheduler counts as an action, by the events of histories: a child's is among them."""


@dataclass
class Used:
    """What one execution used.

    `requests` and `ru` by the operation of Cosmos DB; `ru_by_partition` without the execution's id. `messages`: what
    one watcher would be sent, but for pieces of answers, where each 2 KB is one.
    """

    workflow: str
    model_calls: int
    requests: dict[str, int]
    ru: dict[str, float]
    ru_by_partition: dict[str, float]
    actions: int
    activities: int
    turns: int
    events: int
    log_bytes: int
    record_bytes: int
    messages: int
    tokens_in: int
    tokens_out: int
    telemetry_bytes: int

    @property
    def total_ru(self) -> float:
        return sum(self.ru.values())


def measured() -> list[Used]:
    """Each workflow's second execution in a process: the first also reads what a process then remembers."""
    with (
        tempfile.TemporaryDirectory() as name,
        start() as cosmos,
        Collector() as collector,
        ModelStub(Path(name) / "model.jsonl", latency=0.02, script=_says) as stub,
    ):
        folder = Path(name)
        with _host(folder, cosmos, stub, collector.address) as host, Client(host.address, TOKEN) as client:
            _publish(client)
            run = Run(client, host, cosmos, collector, folder / "devhost.db")
            return [run.second(workflow, given) for workflow, given in _workflows()]


@dataclass(frozen=True)
class Run:
    client: Client
    host: Host
    cosmos: Cosmos
    collector: Collector
    engine: Path

    def second(self, workflow: str, given: dict[str, Any]) -> Used:
        self._done(workflow, given)
        self.cosmos.forget()
        self.collector.bytes = 0
        id = self._done(workflow, given)
        asked = [one for one in self.cosmos.requests() if one["partition"]]
        told = self.collector.bytes
        record, log = self.client.executions.get(id), self._log(id)
        requests, ru, partitions = Counter[str](), defaultdict[str, float](float), defaultdict[str, float](float)
        for one in asked:
            requests[one["operation"]] += 1
            ru[one["operation"]] += float(one["charge"])
            partitions[_partition(one["partition"], id)] += float(one["charge"])
        kinds = self._history(id)
        return Used(
            workflow=workflow,
            model_calls=record.usage.model_calls,
            requests=dict(requests),
            ru={name: round(value, 1) for name, value in ru.items()},
            ru_by_partition={name: round(value, 1) for name, value in partitions.items()},
            actions=sum(count for kind, count in kinds.items() if kind in ACTIONS),
            activities=kinds[EventType.TASK_SCHEDULED],
            turns=kinds[EventType.ORCHESTRATOR_STARTED],
            events=len(log),
            log_bytes=sum(len(json.dumps(event)) for event in log),
            record_bytes=len(self._record(id)),
            messages=_messages(log),
            tokens_in=record.usage.tokens_in,
            tokens_out=record.usage.tokens_out,
            telemetry_bytes=told,
        )

    def _done(self, workflow: str, given: dict[str, Any]) -> str:
        """Nobody follows it: the host's own state says when it has ended, which asks nothing of Cosmos DB."""
        id = self.client.executions.start(workflow, given).id
        with httpx.Client(base_url=self.host.address) as plain:
            while plain.get(f"/runtime/webhooks/durabletask/instances/{id}").status_code == httpx.codes.ACCEPTED:
                time.sleep(0.05)
        before = -1
        while before != self.collector.bytes:  # until what is told of it has come
            before = self.collector.bytes
            time.sleep(QUIET)
        return id

    def _log(self, id: str) -> list[dict[str, Any]]:
        with httpx.Client(base_url=self.host.address, headers={"Authorization": f"Bearer {TOKEN}"}) as plain:
            return list(plain.get(f"/api/executions/{id}/events", params={"after": 0}).json()["events"])

    def _record(self, id: str) -> str:
        with httpx.Client(base_url=self.host.address, headers={"Authorization": f"Bearer {TOKEN}"}) as plain:
            return plain.get(f"/api/executions/{id}").text

    def _history(self, id: str) -> Counter[int]:
        """Events by their type, of the execution's orchestrators and what they called."""
        with contextlib.closing(sqlite3.connect(f"file:{self.engine}?mode=ro", uri=True)) as connection:
            sql = "SELECT type, count(*) FROM history WHERE instance_id = ? OR instance_id LIKE ? GROUP BY type"
            return Counter(dict(connection.execute(sql, (id, f"{id}.%")).fetchall()))


class Collector:
    """Takes traces and logs as OTLP over HTTP, and counts their bytes as they come."""

    def __init__(self) -> None:
        self.bytes = 0
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.bytes += len(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is said."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _says(asked: Asked) -> Turn:
    """A paragraph; where a schema is asked for, its smallest instance, which is the stub's own."""
    return Turn() if asked.body.get("response_format") else Turn(answer=Answer(ANSWER))


def _host(folder: Path, cosmos: Cosmos, stub: ModelStub, collector: str) -> Host:
    return Host(
        folder,
        environment={
            **stub.environment(),
            "META_AGENTS_TOKEN": TOKEN,
            "COSMOS_ENDPOINT": cosmos.url,
            "COSMOS_KEY": cosmos.key,
            "SWEEP_CRON": "0 0 0 1 1 *",  # what is done now and then is no execution's
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
            "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_BLRP_SCHEDULE_DELAY": "100",
        },
    )


def _publish(client: Client) -> None:
    for path in sorted((EXAMPLES / "agents").glob("*.yaml")):
        definition = yaml.safe_load(path.read_text("utf-8"))
        if not definition.get("tools") and not definition.get("prompt"):
            client.agents.put(definition)
    for number in range(5):
        client.agents.put({"name": f"agent-{number}", "instructions": "You are one of five."})
    for name in DEMOS:
        client.workflows.put(yaml.safe_load((EXAMPLES / "workflows" / f"{name}.yaml").read_text("utf-8")))
    steps = [{"id": f"s{n}", "agent": f"agent-{n}", "input": "${input.topic}"} for n in range(5)]
    client.workflows.put({"name": FIVE, "input": {"type": "object"}, "steps": steps})


def _workflows() -> list[tuple[str, dict[str, Any]]]:
    inputs = EXAMPLES / "inputs"
    given = {name: {key: (inputs / file).read_text("utf-8")} for name, (key, file) in DEMOS.items()}
    return [(FIVE, {"topic": "tea"}), *given.items()]


def _partition(key: str, id: str) -> str:
    """The last part of a partition key as the server has noted it."""
    return str(json.loads(key)[-1]).replace(id, "ID").partition("/")[2] or str(json.loads(key)[-1])


def _messages(log: Sequence[dict[str, Any]]) -> int:
    """A write is a message: it ends with the beginning or the end of a call, or of the execution."""
    count = size = 0
    for event in log:
        size += len(json.dumps(event))
        if event["type"].startswith(("call.", "execution.")):
            count, size = count + math.ceil(size / MESSAGE_BYTES), 0
    return count + math.ceil(size / MESSAGE_BYTES)
