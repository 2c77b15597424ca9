"""One attempt to tell of an end: made once as far as anyone can, and what the message says."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.delivering import body_of, perform_delivery
from domain.events import Draft, EventType
from domain.executions import Execution, Status, StopReason
from domain.values import ARTIFACT_BYTES
from domain.webhooks import Attempt, Delivery, Webhook
from services.executions import new_execution_id
from services.settings import Settings
from services.wiring import Services, build
from tests.activities.conftest import TENANT
from tests.support.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def services(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Services]:
    built = build(Settings.from_environment({**receiver.environment, "META_AGENTS_STATE_DIR": str(tmp_path)}))
    yield built
    await built.close()


@pytest.fixture
async def ended(services: Services, execution: Execution, receiver: Receiver) -> Execution:
    """One with a webhook that has ended."""
    record = execution.model_copy(update={"id": new_execution_id(), "webhook": Webhook(url=receiver.url)})
    started = Draft(id=EventType.EXECUTION_STARTED, type=EventType.EXECUTION_STARTED, time=record.created)
    await services.executions.create(record, started)
    return await services.executions.end(
        TENANT,
        record.id,
        status=Status.COMPLETED,
        output="tea",
        stop_reason=StopReason.FINISHED,
        ended=datetime.now(UTC),
    )


def completed(execution: Execution, output: object) -> Execution:
    return execution.model_copy(update={"status": Status.COMPLETED, "output": output, "ended": datetime.now(UTC)})


async def test_a_recorded_attempt_is_not_made_again(services: Services, ended: Execution, receiver: Receiver) -> None:
    """The platform may run an activity again whose end it did not come to note."""
    receiver.answers.append(500)
    delivery = Delivery(tenant=TENANT, execution=ended.id, number=2)
    first, again = [await perform_delivery(delivery, services) for _ in range(2)]
    assert first == pytest.approx(315, abs=16)
    assert again == pytest.approx(first, abs=5)
    assert len(receiver.received) == 1


async def test_two_that_make_the_same_attempt_agree_on_what_came_of_it(services: Services, ended: Execution) -> None:
    taken = Attempt(number=1, time=datetime.now(UTC), seconds=0, status=204)
    refused = taken.model_copy(update={"status": 500, "error": "It answered 500."})
    record = services.deliveries.record
    found = await asyncio.gather(record(TENANT, ended.id, taken), record(TENANT, ended.id, refused))
    assert found[0] == found[1]
    assert await services.deliveries.attempts(TENANT, ended.id) == [found[0]]


async def test_nothing_is_sent_of_what_was_deleted(services: Services, ended: Execution, receiver: Receiver) -> None:
    await services.executions.discard(TENANT, ended.id)
    assert await perform_delivery(Delivery(tenant=TENANT, execution=ended.id, number=1), services) is None
    assert receiver.received == []


async def test_a_deployment_that_turned_webhooks_off_sends_nothing(
    services: Services, ended: Execution, receiver: Receiver, tmp_path: Path
) -> None:
    off = build(Settings(state_dir=tmp_path / "other"))
    without = dataclasses.replace(services, webhooks=off.webhooks)
    assert await perform_delivery(Delivery(tenant=TENANT, execution=ended.id, number=1), without) is not None
    [attempt] = await services.deliveries.attempts(TENANT, ended.id)
    assert "WEBHOOK_HOSTS lists no host" in (attempt.error or "")
    assert receiver.received == []
    await off.close()


@pytest.mark.parametrize("output", [None, "", {"headline": "Größe"}, "x" * (ARTIFACT_BYTES - 2)])
def test_an_output_is_part_of_the_message(execution: Execution, output: object) -> None:
    data = json.loads(body_of(completed(execution, output)))["data"]
    assert data["output"] == output
    assert "output_path" not in data


def test_a_large_output_is_left_out_and_where_it_is_said(execution: Execution) -> None:
    body = body_of(completed(execution, "x" * (ARTIFACT_BYTES - 1)))
    data = json.loads(body)["data"]
    assert "output" not in data
    assert data["output_path"] == f"/api/executions/{execution.id}"
    assert len(body) < 1_000


def test_a_canceled_one_has_neither_output_nor_error(execution: Execution) -> None:
    message = json.loads(body_of(execution.model_copy(update={"status": Status.CANCELED})))
    assert message["type"] == "execution.canceled"
    assert message["data"].keys() == {
        "id", "workflow", "workflow_version", "status", "stop_reason", "usage", "turns"
    }  # fmt: skip
