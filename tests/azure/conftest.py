"""The whole app in Microsoft's worker library, once for all tests: each asks it about an execution of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from meta_agents.testing import ModelStub
from tests.azure.durable_api import DurableApi, Started
from tests.azure.process import WorkerProcess
from tests.azure.worker import Answer, Data, Indexed, Invocation
from tests.support import stores

ROOT = Path(__file__).parents[2]
TOKEN = "the-token-of-these-tests"
QUEUES = {"START_QUEUE": "starts", "START_QUEUE_CONNECTION": "Orders", "START_SERVICE_BUS_QUEUE": "orders"}
WATCHER = "local.0b7c2a52-6a3e-4a5b-9a57-0f6f5a1d8c11"


@dataclass(frozen=True)
class AzureApp:
    """`functions` is what the library indexed; the rest is how the host would reach them."""

    process: WorkerProcess
    functions: dict[str, Indexed]
    durable: DurableApi
    model: ModelStub

    def http(self, function: str, method: str, path: str, *, token: str | None = TOKEN, **sent: Any) -> Answer:
        """A request to a function with a durable client. What the function raises fails the test."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        sent["headers"] = {**headers, **sent.get("headers", {})}
        answer = self.process.request(function, method, path, {"client": {"string": self.durable.client}}, **sent)
        assert answer.invocation.error is None
        return answer

    def begin(self, prompt: str, input: Any = None) -> Started:
        """Record an execution of one agent step; what its orchestration is to be started with."""
        made = self.http("agents", "PUT", "/api/agents/writer", json={"instructions": "You write."})
        assert made.status in {200, 201}, made.body
        return self.begin_steps({"id": "write", "agent": "writer", "input": prompt}, input=input)

    def begin_steps(self, *steps: dict[str, Any], input: Any = None) -> Started:
        """Record an execution of these steps; what its orchestration is to be started with."""
        body = {"definition": {"name": "some-steps", "steps": list(steps)}, "input": input or {}}
        accepted = self.http("executions", "POST", "/api/executions", json=body)
        assert accepted.status == 202, accepted.body
        [started] = [one for one in self.durable.started if one.instance == accepted.json()["id"]]
        return started

    def watch(self, execution: str, connection: Any = None) -> Answer:
        """Ask to see an execution live, as the page does; `connection` is what the extension made for it."""
        return self.process.request(
            "negotiate",
            "POST",
            "/api/negotiate",
            {"connection": {"string": json.dumps(connection or {})}},
            headers={"Authorization": f"Bearer {TOKEN}", "x-watcher": WATCHER},
            json={"execution": execution},
        )

    def activity(self, name: str, payload: str) -> tuple[Any, Invocation]:
        """The result of an activity that is given this JSON text, and the invocation."""
        clients = [b["name"] for b in self.functions[name].bindings if b["type"] == "durableClient"]
        given: dict[str, Data] = {client: {"string": self.durable.client} for client in clients}
        invocation = self.process.invoke(name, **{"payload": {"json": payload}, **given})
        assert invocation.error is None, invocation.error
        return _value(invocation), invocation

    def durable_function(self, name: str, context: str) -> Any:
        """The reply of an orchestrator or entity that is given this context."""
        invocation = self.process.invoke(name, context={"string": context})
        assert invocation.error is None, invocation.error
        return _value(invocation)


def _value(invocation: Invocation) -> Any:
    """What the host makes of a returned value: beside an output binding the library sends a string as it is."""
    assert invocation.returned is not None
    [(kind, data)] = invocation.returned.items()
    return json.loads(data) if kind == "json" else data


@contextmanager
def app_with(folder: Path, **environ: str) -> Iterator[AzureApp]:
    """The app in a worker of its own, with these variables beside those that every app has here."""
    with ModelStub(folder / "model.jsonl") as model, DurableApi() as durable:
        common = {"META_AGENTS_STATE_DIR": str(folder), "META_AGENTS_TOKEN": TOKEN}
        with WorkerProcess({**common, **stores.environment(folder), **environ, **model.environment()}) as process:
            functions = {function.name: function for function in process.start(ROOT)}
            yield AzureApp(process, functions, durable, model)


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureApp]:
    with app_with(tmp_path_factory.mktemp("azure"), TOOL_MODULES="examples.tools.orders") as app:
        yield app


@pytest.fixture(scope="session")
def azure_with_queues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureApp]:
    """The app with both queues set up, and the workflow `one-step` in it."""
    with app_with(tmp_path_factory.mktemp("queues"), **QUEUES) as app:
        for kind, definition in (
            ("agents", {"name": "writer", "instructions": "You write."}),
            ("workflows", {"name": "one-step", "steps": [{"id": "write", "agent": "writer"}]}),
        ):
            assert app.http(kind, "POST", f"/api/{kind}", json=definition).status == 201
        yield app
