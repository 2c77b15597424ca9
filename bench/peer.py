"""A peer as a side: its program in its own environment, asked line by line."""

from __future__ import annotations

import json
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Any

from bench.environments import python_with
from bench.process import Process, ProcessFailed
from bench.sides import Place, WrongResult
from bench.workloads import Kind, Workload

LONGEST_SECONDS = 180


@dataclass(frozen=True)
class PeerSide:
    """`requirements` pinned; empty: our own environment has what it needs."""

    name: str
    module: str
    requirements: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    def start(self, place: Place) -> RunningPeer:
        python = str(python_with(self.module, self.requirements)) if self.requirements else sys.executable
        return RunningPeer([python, "-m", f"bench.peers.{self.module}", str(place.state), *self.arguments], place)


class RunningPeer:
    def __init__(self, command: list[str], place: Place) -> None:
        self.process = Process(command, place.environment(), place.calls.parent, place.trace)
        self.settings = self.process.line("peer ready: ")
        self.ready_seconds = time.time() - self.process.started

    def prepare(self, kind: Kind, size: int) -> None:
        """Its program holds the workflows."""

    def run(self, workload: Workload) -> None:
        ids = [uuid.uuid4().hex for _ in range(workload.executions)]
        self._ask("run", workload, ids)
        answers = self._answers()
        if any(count != workload.size for count in answers):
            raise WrongResult(f"{answers[:3]} answers instead of {workload.size}")

    def begin(self, workload: Workload) -> str:
        id = uuid.uuid4().hex
        self._ask("run", workload, [id])
        return id

    def finish(self, workload: Workload, id: str) -> None:
        self._ask("resume", workload, [id])
        # What it tells may be only what it has done since; the stub's log has the rest.
        self._answers()

    def _ask(self, do: str, workload: Workload, ids: list[str]) -> None:
        self.process.send(json.dumps({"do": do, "kind": workload.kind, "size": workload.size, "ids": ids}))

    def _answers(self) -> list[int]:
        answer: dict[str, Any] = json.loads(self.process.line("peer done: ", LONGEST_SECONDS))
        if "error" in answer:
            raise ProcessFailed(answer["error"].strip().splitlines()[-1])
        return list(answer["answers"])

    def kill(self) -> None:
        self.process.kill()


OPENAI = "openai==3.54.0"
LANGGRAPH = ("langgraph==1.2.22", "langgraph-checkpoint-sqlite==3.1.2", OPENAI)
AGENT_FRAMEWORK = ("agent-framework-core==1.23.0", "agent-framework-orchestrations==1.4.0", OPENAI)
PEERS = (
    PeerSide("langgraph", "langgraph_peer", LANGGRAPH, ("async",)),
    PeerSide("langgraph-sync", "langgraph_peer", LANGGRAPH, ("sync",)),
    PeerSide("dbos", "dbos_peer", ("dbos==3.4.0", OPENAI)),
    PeerSide("agent-framework", "agent_framework_peer", AGENT_FRAMEWORK),
    PeerSide("limit", "limit"),
)
