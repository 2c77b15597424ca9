"""Messages of a real storage queue (Azurite) start executions of the real app, and bad ones are put aside."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.system import System, wait_until
from tests.devhost.storage.accounts import Storage
from tests.support.azurite import running
from tools.processes import ROOT

QUEUE = "starts"
WORKFLOW = {"name": "one", "steps": [{"id": "say", "agent": "writer", "input": "Say ${input.word}."}]}


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with running() as azurite:
        storage = Storage(azurite.connection, "app")
        yield storage
        storage.close()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, storage: Storage) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("messages")
    name = storage.queue(QUEUE).queue_name
    environment = {"START_QUEUE": name, "START_QUEUE_CONNECTION": "Orders", "Orders": storage.connection}
    environment |= {"START_SERVICE_BUS_QUEUE": "orders"}
    with System(folder, latency=0, environment=environment, app=impatient_app(folder)) as system:
        system.agents("writer")
        system.client.workflows.put(WORKFLOW)
        yield system


def impatient_app(folder: Path) -> Path:
    """The app, except that a message that failed comes again at once."""
    app = folder / "app"
    app.mkdir()
    host = json.loads((ROOT / "host.json").read_text())
    del host["extensions"]["queues"]["visibilityTimeout"]
    (app / "host.json").write_text(json.dumps(host))
    (app / "function_app.py").symlink_to(ROOT / "function_app.py")
    return app


def test_the_local_host_starts_without_service_bus_and_says_so(system: System) -> None:
    told = "\n".join(system.host.output)
    assert "start_from_service_bus" in told
    assert "serviceBusTrigger is not served by this version" in told


def test_each_message_starts_one_execution(system: System, storage: Storage) -> None:
    plain = json.dumps({"workflow": "one", "input": {"word": "plain"}})
    keyed = json.dumps({"workflow": "one", "input": {"word": "keyed"}, "idempotency_key": "order-7"})
    for text in (plain, base64.b64encode(plain.encode()).decode(), keyed, keyed):
        storage.put(QUEUE, text)
    wait_until(lambda: storage.count(QUEUE) == 0, "the end of the queue")
    over_http = system.client.executions.start("one", {"word": "keyed"}, idempotency_key="order-7")
    records = [system.ended(execution.id) for execution in system.client.executions.list()]
    assert sorted(record.input["word"] for record in records) == ["keyed", "plain", "plain"]
    assert over_http.id in {record.id for record in records}
    assert {(record.status, record.started_by) for record in records} == {("completed", "queue:app-starts")}


def test_a_message_that_starts_nothing_goes_to_the_poison_queue(system: System, storage: Storage) -> None:
    before = len(list(system.client.executions.list()))
    bad = ['{"workflow": "missing"}', "hello", '{"workflow": "one", "input": []}']
    for text in bad:
        storage.put(QUEUE, text)
    poison = f"{QUEUE}-poison"
    wait_until(lambda: storage.count(poison) == len(bad), "the messages in the poison queue")
    assert sorted(message.content for message in storage.take(poison)) == sorted(bad)
    wait_until(lambda: storage.count(QUEUE) == 0, "the end of the queue")
    assert len(list(system.client.executions.list())) == before
    told = "\n".join(system.host.output)
    assert "starts nothing, however often it comes: There is no workflow 'missing'." in told
