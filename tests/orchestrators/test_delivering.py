"""The webhook of an execution that has ended: tried over days, and told the same each time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from domain.executions import Execution, Status, StopReason
from domain.webhooks import ATTEMPTS, WAITS, Attempt, Webhook
from orchestrators.delivering import MOST_TRIES
from services.webhooks.deliveries import Deliveries
from tests.orchestrators.bench import TENANT, Bench
from tests.orchestrators.test_control import Clock
from tests.support.receiver import Receiver
from tests.support.scripted_model import ScriptedModel, unreachable

ONE = {"steps": [{"id": "one", "agent": "a", "retry": {"attempts": 1}}]}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def bench(tmp_path: Path, receiver: Receiver, clock: Clock) -> AsyncIterator[Bench]:
    async with Bench(tmp_path, ScriptedModel(lambda _: "tea"), clock, receiver.environment) as bench:
        yield bench


async def run(bench: Bench, receiver: Receiver, **fields: Any) -> Execution:
    """The record, once nothing is left to deliver."""
    webhook = Webhook(url=receiver.url, **fields)
    return await bench.ended(await bench.begin(ONE, "hi", webhook=webhook))


async def attempts(bench: Bench, id: str) -> list[Attempt]:
    return await bench.services.deliveries.attempts(TENANT, id)


async def test_it_is_told_what_came_of_the_execution(bench: Bench, receiver: Receiver) -> None:
    record = await run(bench, receiver)
    [got] = receiver.received
    assert got.id == f"{record.id}-completed"
    assert got.verified() == {
        "type": "execution.completed",
        "timestamp": record.model_dump(mode="json")["ended"],
        "data": {
            "id": record.id,
            "workflow": "w",
            "workflow_version": 1,
            "status": "completed",
            "stop_reason": "finished",
            "usage": record.usage.model_dump(mode="json"),
            "turns": 1,
            "output": "tea",
        },
    }
    [attempt] = await attempts(bench, record.id)
    assert (attempt.number, attempt.status, attempt.error, attempt.next) == (1, 204, None, None)


async def test_it_is_told_of_a_failure(bench: Bench, receiver: Receiver) -> None:
    bench.model._script = lambda _: unreachable()
    record = await run(bench, receiver)
    [got] = receiver.received
    assert (got.id, got.verified()["type"]) == (f"{record.id}-failed", "execution.failed")
    data = got.verified()["data"]
    assert (data["status"], data["error"]["code"]) == ("failed", "model_unreachable")
    assert data.keys().isdisjoint({"output", "output_path", "input", "tenant", "plan", "webhook"})


async def test_it_is_told_of_a_cancel(bench: Bench, receiver: Receiver) -> None:
    gate = bench.model.gate("one#")
    id = await bench.begin(ONE, "hi", webhook=Webhook(url=receiver.url))
    await bench.model.until(lambda: bench.model.keys["one#0"] == 1)
    now = datetime.now(UTC)
    await bench.services.executions.end(TENANT, id, status=Status.CANCELED, stop_reason=StopReason.CANCELED, ended=now)
    gate.set()
    await bench.ended(id)
    [got] = receiver.received
    assert (got.id, got.verified()["data"]["status"]) == (f"{id}-canceled", "canceled")


async def test_it_is_called_only_for_the_ends_that_were_named(bench: Bench, receiver: Receiver) -> None:
    record = await run(bench, receiver, events=("failed", "canceled"))
    assert record.status is Status.COMPLETED
    assert receiver.received == []


async def test_it_is_tried_again_until_it_is_taken(bench: Bench, receiver: Receiver, clock: Clock) -> None:
    receiver.answers.extend([500, Response(status_code=503, headers={"Retry-After": "3600"})])
    id = await bench.begin(ONE, "hi", webhook=Webhook(url=receiver.url))
    first = datetime.fromisoformat((await bench.timers(id, 1))[0])
    assert timedelta(seconds=4) < first - clock.now < timedelta(seconds=6)
    # The record and the log wait for nothing of this.
    record = await bench.services.executions.get(TENANT, id)
    assert record is not None
    assert record.status is Status.COMPLETED
    assert (await bench.log(id))[-1].type == "execution.completed"
    assert await bench.services.executions.running() == []
    clock.now = first
    second = datetime.fromisoformat((await bench.timers(id, 2))[1])
    assert timedelta(seconds=3_599) < second - clock.now <= timedelta(seconds=3_600)
    clock.now = second
    await bench.ended(id)
    assert {(got.id, got.body) for got in receiver.received} == {(f"{id}-completed", receiver.received[0].body)}
    assert [got.verified()["data"]["output"] for got in receiver.received] == ["tea"] * 3
    made = await attempts(bench, id)
    assert [(attempt.number, attempt.status, attempt.is_delivered) for attempt in made] == [
        (1, 500, False),
        (2, 503, False),
        (3, 204, True),
    ]
    assert [attempt.next is None for attempt in made] == [False, False, True]


async def test_it_is_given_up_after_three_days(bench: Bench, receiver: Receiver, clock: Clock) -> None:
    receiver.answers.extend([500] * ATTEMPTS)
    id = await bench.begin(ONE, "hi", webhook=Webhook(url=receiver.url))
    waits: list[timedelta] = []
    for number in range(1, ATTEMPTS):
        due = datetime.fromisoformat((await bench.timers(id, number))[number - 1])
        waits.append(due - clock.now)
        clock.now = due
    await bench.ended(id)
    a_moment = timedelta(seconds=1)
    assert all(wait - a_moment < given <= wait * 1.1 for wait, given in zip(WAITS, waits, strict=True)), waits
    assert len(receiver.received) == ATTEMPTS
    assert [attempt.number for attempt in await attempts(bench, id)] == list(range(1, ATTEMPTS + 1))


async def test_gone_is_not_asked_again(bench: Bench, receiver: Receiver) -> None:
    receiver.answers.append(410)
    record = await run(bench, receiver)
    [attempt] = await attempts(bench, record.id)
    assert (attempt.status, attempt.is_delivered, attempt.next) == (410, False, None)
    assert len(receiver.received) == 1


async def test_an_attempt_that_was_not_is_made_again_with_the_same_id(
    bench: Bench, receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_attempt, lost = Deliveries.record, 1

    async def record(self: Deliveries, tenant: str, execution: str, attempt: Attempt) -> Attempt:
        nonlocal lost
        if lost:
            lost -= 1
            raise OSError("the disk is full")
        return await record_attempt(self, tenant, execution, attempt)

    monkeypatch.setattr(Deliveries, "record", record)
    id = await bench.begin(ONE, "hi", webhook=Webhook(url=receiver.url))
    [due] = await bench.timers(id, 1)
    clock.now = datetime.fromisoformat(due)
    await bench.ended(id)
    assert [got.id for got in receiver.received] == [f"{id}-completed"] * 2
    assert [(attempt.number, attempt.status) for attempt in await attempts(bench, id)] == [(1, 204)]


async def test_one_that_may_not_be_called_is_not_and_keeps_its_schedule(bench: Bench, receiver: Receiver) -> None:
    id = await bench.begin(ONE, "hi", webhook=Webhook(url="https://not-listed.example.com"))
    await bench.timers(id, 1)
    [attempt] = await attempts(bench, id)
    assert (attempt.status, attempt.next is None) == (None, False)
    assert "WEBHOOK_HOSTS does not list not-listed.example.com" in (attempt.error or "")


async def test_without_a_webhook_nothing_is_asked_of_the_platform(bench: Bench) -> None:
    record = await bench.ended(await bench.begin(ONE, "hi"))
    assert [name for name, _ in bench.app.calls] == ["call_model", "finish"]
    assert record.webhook is None


async def test_a_platform_that_cannot_run_it_is_asked_again_but_not_for_ever(
    bench: Bench, receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def record(*_: object) -> Attempt:
        raise OSError("the disk is full")

    monkeypatch.setattr(Deliveries, "record", record)
    id = await bench.begin(ONE, "hi", webhook=Webhook(url=receiver.url))
    for number in range(1, MOST_TRIES + 1):
        clock.now = datetime.fromisoformat((await bench.timers(id, number))[number - 1])
    assert (await bench.ended(id)).status is Status.COMPLETED
    assert {got.id for got in receiver.received} == {f"{id}-completed"}
    assert len(receiver.received) == MOST_TRIES
