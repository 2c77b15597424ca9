"""The API over real services in a folder of its own, with a durable client that only takes notes."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app
from api.durable import CLIENT
from domain.errors import Code, Fault, Problem, ProblemError
from domain.events import Draft, EventType
from domain.executions import Status, StopReason
from services.identity import Principal
from services.settings import Settings
from services.wiring import Services, build, use

CALLERS = {
    "Bearer one": Principal(tenant="one", name="ann", roles=("admin",)),
    "Bearer two": Principal(tenant="two", name="bob", roles=("admin",)),
    "Bearer author": Principal(tenant="one", name="alma", roles=("author",)),
    "Bearer operator": Principal(tenant="one", name="olga", roles=("operator",)),
    "Bearer reader": Principal(tenant="one", name="rita", roles=("reader",)),
}
AGENT = {"name": "writer", "instructions": "Write."}
WORKFLOW = {
    "name": "brief",
    "input": {"type": "object", "required": ["topic"], "properties": {"topic": {"type": "string"}}},
    "steps": [{"id": "draft", "agent": "writer", "input": "${input.topic}"}],
}


def authenticate(authorization: str | None) -> Principal:
    try:
        return CALLERS[authorization or ""]
    except KeyError:
        problem = Problem(code=Code.UNAUTHENTICATED, message="No.", action="Send a token.", fault=Fault.CALLER)
        raise ProblemError(problem) from None


@dataclass
class FakeDurable:
    """`started`: instance id to input. `refuses`: starting fails; `fails_after`: it fails although it has started."""

    started: dict[str, Any] = field(default_factory=dict)
    woken: list[tuple[str, str]] = field(default_factory=list)
    purged: list[str] = field(default_factory=list)
    chats: dict[str, Any] = field(default_factory=dict)
    refuses: bool = False
    fails_after: bool = False
    any_started: asyncio.Event = field(default_factory=asyncio.Event)

    async def start_new(self, name: str, instance_id: str | None = None, client_input: Any = None) -> str:
        assert name in ("workflow", "index_document")
        assert instance_id is not None
        if self.refuses or instance_id in self.started:
            raise Exception("the durable extension refuses")
        self.started[instance_id] = client_input
        self.any_started.set()
        if self.fails_after:
            raise Exception("the answer was lost")
        return instance_id

    async def get_status(self, instance_id: str) -> Any:
        return instance_id in self.started

    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None:
        if instance_id.partition(".")[0] not in self.started:
            raise Exception("no such instance")
        self.woken.append((instance_id, event_name))

    async def purge_instance_history(self, instance_id: str) -> Any:
        self.purged.append(instance_id)
        return SimpleNamespace(instances_deleted=int(self.started.pop(instance_id, None) is not None))

    async def signal_entity(self, entityId: Any, operation_name: str) -> None:
        assert operation_name == "delete"
        self.chats.pop(entityId.key, None)

    async def read_entity_state(self, entityId: Any) -> Any:
        state = self.chats.get(entityId.key)
        return SimpleNamespace(entity_exists=state is not None, entity_state=state)


class Carried:
    """The app as a trigger carries it: with a durable client in the scope."""

    def __init__(self, app: ASGIApp, client: object) -> None:
        self._app = app
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, CLIENT: self._client}, receive, send)


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    built = build(Settings.from_environment({"META_AGENTS_STATE_DIR": str(tmp_path / "state")}))
    built = dataclasses.replace(built, authenticate=authenticate)
    use(built)
    yield built
    use(None)
    await built.close()


@pytest.fixture
def durable() -> FakeDurable:
    return FakeDurable()


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """One for all tests, over whichever services are in use: making it takes longer than most of them."""
    return create_app(tmp_path_factory.mktemp("not-built"))


@pytest.fixture
def carried(app: FastAPI, services: Services, durable: FakeDurable) -> Carried:
    return Carried(app, durable)


@pytest.fixture
async def api(carried: Carried) -> AsyncIterator[httpx.AsyncClient]:
    """The first tenant's client."""
    async with _client(carried, "one") as client:
        yield client


@pytest.fixture
async def other(carried: Carried) -> AsyncIterator[httpx.AsyncClient]:
    """The second tenant's client."""
    async with _client(carried, "two") as client:
        yield client


@pytest.fixture
async def brief(api: httpx.AsyncClient) -> str:
    """Name of a stored workflow with the one agent that it needs."""
    assert (await api.post("/api/agents", json=AGENT)).status_code == 201
    assert (await api.post("/api/workflows", json=WORKFLOW)).status_code == 201
    return "brief"


@pytest.fixture
async def execution(api: httpx.AsyncClient, brief: str) -> str:
    """Id of a running execution."""
    answer = await api.post("/api/executions", json={"workflow": brief, "input": {"topic": "tea"}})
    assert answer.status_code == 202
    return str(answer.json()["id"])


def _client(app: ASGIApp, token: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url="http://api.test", headers={"Authorization": f"Bearer {token}"}
    )


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    """Check that the answer is such a problem, whole and documented; its errors as pointer to message."""
    document = answer.json()
    assert (answer.status_code, document["code"]) == (status, code), document
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["type"] == f"urn:meta-agents:problem:{code}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["action"]
    return {error["pointer"]: error["message"] for error in document["errors"]}


def without(payload: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key not in keys}


async def finish(services: Services, id: str, status: Status = Status.COMPLETED) -> None:
    """What the activity `finish` does."""
    record = await services.executions.end(
        "one", id, status=status, output="done", stop_reason=StopReason.FINISHED, ended=datetime.now(UTC)
    )
    kind = EventType(f"execution.{record.status}")
    await services.events.append("one", id, [Draft(id=kind, type=kind, time=datetime.now(UTC))])
