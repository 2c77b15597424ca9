"""Killing the host while an artifact is on its way to Blob storage, which lives on: all is there, and nothing twice."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from domain.values import ARTIFACT_BYTES
from meta_agents.testing import Asked
from meta_agents.testing.answers import Answer
from meta_agents.testing.control import Turn
from services.identity import TENANT
from tests.crash.system import System, wait_until
from tests.support.azurite import Azurite, connection_string, running
from tests.support.faults import Fault, Proxy, before, cut_after, cut_off, lost, refused, silence, unheard

STEPS = 3
WORDS = ("one", "two")
WORKFLOW = {
    "name": "long",
    "steps": [
        {"id": f"s{number}", "agent": "writer", "input": f"Write ${{input.word}}, part {number}."}
        for number in range(STEPS)
    ],
    "output": "${steps.s2.output}",
}
TROUBLE: tuple[Fault, ...] = (cut_off, lost, refused(503, "ServerBusy"))
KILLS: tuple[Fault, ...] = (silence, unheard, unheard, silence)
"""What happens to a write when the host is killed: it never arrives, or it is done and nobody hears of it."""


def script(asked: Asked) -> Turn:
    """The same long answer whenever the same is asked."""
    digest = hashlib.sha256(str(asked.messages).encode()).hexdigest()
    return Turn(answer=Answer(digest + "x" * ARTIFACT_BYTES))


@pytest.fixture(scope="module")
def azurite() -> Iterator[Azurite]:
    with running() as azurite:
        yield azurite


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[Proxy]:
    with before(azurite.blob_port) as proxy:
        yield proxy


def test_killed_around_a_write_nothing_is_lost_or_kept_twice(azurite: Azurite, proxy: Proxy, tmp_path: Path) -> None:
    environment = {"BLOB_CONNECTION_STRING": connection_string(proxy.port, 1), "BLOB_CONTAINER": "artifacts"}
    with System(tmp_path, latency=0, environment=environment, script=script) as system:
        system.agents("writer")
        proxy.fault("PUT", *TROUBLE)
        proxy.fault("GET", cut_off, lost, cut_after(100))
        ids = [system.client.executions.start(WORKFLOW, {"word": word}).id for word in WORDS]
        for fault in KILLS:
            proxy.fault("PUT", fault)
            wait_until(lambda: proxy.is_quiet_for("PUT"), "a write on its way")
            system.host.kill()
            system.host.start()
        records = [system.ended(id) for id in ids]
        logs = {id: system.client.executions.events(id).events for id in ids}
        answers = {
            id: [system.client.executions.value(id, event) for event in log if event.type == "call.completed"]
            for id, log in logs.items()
        }
        asked = Counter(entry.idempotency_key for entry in system.stub.log("sent"))
    assert [record.status for record in records] == ["completed"] * len(WORDS)
    assert {id: len({str(answer) for answer in said}) for id, said in answers.items()} == dict.fromkeys(ids, STEPS)
    assert [record.output for record in records] == [said[-1] for said in answers.values()]
    assert sum(asked.values()) - len(asked) <= len(KILLS) * len(WORDS)  # only what was under way at a kill
    with ContainerClient.from_connection_string(azurite.connection, "artifacts", api_version="2021-12-02") as container:
        kept = list(container.list_blob_names())
    for id, log in logs.items():
        named = {event.artifact for event in log} - {None}
        mine = {name.rpartition("@")[2] for name in kept if name.startswith(f"{TENANT}/executions/{id}/")}
        assert mine == named
