"""One running app for all of these tests: nothing they do may change it, so none can disturb another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from meta_agents import Client
from tests.crash.system import TOKEN, System

WORKFLOW = {
    "name": "brief",
    "input": {"type": "object", "required": ["topic"], "properties": {"topic": {"type": "string"}}},
    "steps": [{"id": "draft", "agent": "writer", "input": "Write about ${input.topic}."}],
}


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("failures"), latency=0) as system:
        system.agents("writer")
        system.client.workflows.put(WORKFLOW)
        yield system


@dataclass(frozen=True)
class Everything:
    """What a caller can see of the app, and how often the model was called."""

    agents: list[Any]
    workflows: list[Any]
    executions: list[Any]
    calls: int

    @staticmethod
    def of(system: System) -> Everything:
        client: Client = system.client
        return Everything(
            list(client.agents.list()),
            list(client.workflows.list()),
            list(client.executions.list()),
            len(system.stub.log()),
        )


@pytest.fixture
def unchanged(running: System) -> Iterator[System]:
    """The running app, of which the test may leave no trace."""
    before = Everything.of(running)
    yield running
    assert Everything.of(running) == before


@pytest.fixture
def http(unchanged: System) -> Iterator[httpx.Client]:
    """Requests that no client library would send."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=unchanged.host.address, headers=headers, timeout=30, trust_env=False) as client:
        yield client
