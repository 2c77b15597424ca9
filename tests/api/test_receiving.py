"""Messages of a queue: what they start, that they start it once, and what becomes of those that start nothing."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
from typing import Any

import httpx
import pytest

from api.bodies import Unreadable
from api.receiving import receive
from domain.errors import ProblemError
from domain.executions import Execution
from services.identity import TENANT, Principal
from services.wiring import Services, use
from tests.api.conftest import AGENT, WORKFLOW, FakeDurable

START = {"workflow": "brief", "input": {"topic": "tea"}}


@pytest.fixture
async def home(services: Services, api: httpx.AsyncClient) -> Services:
    """The deployment's own tenant, with the workflow `brief`; `api` is its client."""
    owner = Principal(tenant=TENANT, name="owner", roles=("admin",))
    built = dataclasses.replace(services, authenticate=lambda _: owner)
    use(built)
    assert (await api.post("/api/agents", json=AGENT)).status_code == 201
    assert (await api.post("/api/workflows", json=WORKFLOW)).status_code == 201
    return built


@dataclasses.dataclass
class Queue:
    services: Services
    durable: FakeDurable

    async def deliver(self, message: Any, id: str | None = "m1", source: str = "queue:starts") -> Execution:
        content = message if isinstance(message, bytes) else json.dumps(message).encode()
        return await receive(self.services, self.durable, source, id, content)


@pytest.fixture
def queue(home: Services, durable: FakeDurable) -> Queue:
    return Queue(home, durable)


async def test_a_message_starts_an_execution(queue: Queue) -> None:
    execution = await queue.deliver(START)
    assert list(queue.durable.started) == [execution.id]
    assert (execution.tenant, execution.workflow, execution.input) == (TENANT, "brief", {"topic": "tea"})
    assert execution.started_by == "queue:starts"


async def test_a_definition_of_its_own(queue: Queue) -> None:
    definition = {"name": "once", "steps": [{"id": "a", "agent": "writer"}]}
    assert (await queue.deliver({"definition": definition})).workflow == "once"


async def test_base64_is_what_many_senders_write(queue: Queue) -> None:
    text = base64.encodebytes(json.dumps(START).encode())
    assert (await queue.deliver(text)).input == {"topic": "tea"}


class TestOnce:
    async def test_delivered_again_it_starts_nothing(self, queue: Queue) -> None:
        delivered = await asyncio.gather(*(queue.deliver(START) for _ in range(4)))
        again = await queue.deliver(START)
        assert {execution.id for execution in delivered} == {again.id} == queue.durable.started.keys()

    async def test_another_message_is_another_execution(self, queue: Queue) -> None:
        ids = [
            (await queue.deliver(START, id, source)).id
            for id, source in (
                ("m1", "queue:a"),
                ("m2", "queue:a"),
                ("m1", "queue:b"),
                (None, "queue:a"),
                (None, "queue:a"),
            )
        ]
        assert len(set(ids)) == 5

    async def test_its_own_key_counts_instead_of_its_id(self, queue: Queue, api: httpx.AsyncClient) -> None:
        keyed = {**START, "idempotency_key": "order-7"}
        first, second = await queue.deliver(keyed, "m1"), await queue.deliver(keyed, "m2")
        over_http = await api.post("/api/executions", json=START, headers={"Idempotency-Key": "order-7"})
        assert first.id == second.id == over_http.json()["id"]

    async def test_after_a_failure_of_the_platform(self, queue: Queue, caplog: pytest.LogCaptureFixture) -> None:
        queue.durable.refuses = True
        with pytest.raises(ProblemError):
            await queue.deliver(START)
        assert "starts nothing, yet" in caplog.text
        queue.durable.refuses = False
        execution = await queue.deliver(START)
        assert list(queue.durable.started) == [execution.id]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b"hello", "neither a JSON object nor one in base64"),
        (b"", "empty"),
        (b"{", "line 1"),
        (base64.b64encode(b"hello"), "line 1"),
        (b"\xff\xfe", "neither a JSON object nor one in base64"),
        ({}, "workflow, definition"),
        ({**START, "workflow": "brif"}, "There is no workflow 'brif'."),
        ({**START, "input": {"topic": 5}}, "/input/topic: "),
        ({**START, "key": "k"}, "/key: unknown key `key`"),
        ({**START, "idempotency_key": "a b"}, "not usable"),
        ({**START, "idempotency_key": 7}, "/idempotency_key: "),
    ],
)
async def test_what_can_never_start_is_said_and_raised(
    queue: Queue, message: Any, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises((Unreadable, ProblemError)):
        await queue.deliver(message)
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "The message m1 of queue:starts starts nothing, however often it comes: " in record.message
    assert says in record.message
    assert queue.durable.started == {}


async def test_a_key_that_was_used_for_something_else(queue: Queue) -> None:
    await queue.deliver({**START, "idempotency_key": "k"})
    with pytest.raises(ProblemError, match="used before"):
        await queue.deliver({"workflow": "brief", "input": {"topic": "else"}, "idempotency_key": "k"})
    assert len(queue.durable.started) == 1
