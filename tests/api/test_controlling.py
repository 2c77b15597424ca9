"""Every control verb at every state, as the table in docs/control.md says; and what is left of one that was cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.recovery import recover
from domain.calls import Park
from domain.events import TERMINAL, Draft, EventType
from domain.executions import Status
from domain.usage import Usage
from services.eventlog import partition_of
from services.waits import OUTBOX, waiting
from services.wiring import Services
from tests.api.conftest import FakeDurable, finish, problem

TABLE = Path(__file__).parents[2] / "docs" / "control.md"


def table() -> Iterator[tuple[str, str, str]]:
    """(verb, state, answer) for each cell of the table in the docs."""
    rows = [line.strip("| ").split(" | ") for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| ")]
    head, _, *body = rows
    for verb, *answers in body:
        yield from ((verb, state, answer) for state, answer in zip(head[1:], answers, strict=True))


CELLS = list(table())
ANSWERS = {(verb, state): answer for verb, state, answer in CELLS}


async def brought(api: httpx.AsyncClient, services: Services, id: str, state: str) -> None:
    match state:
        case "running":
            pass
        case "paused" | "canceling":
            verb = {"paused": "pause", "canceling": "cancel"}[state]
            assert (await api.post(f"/api/executions/{id}/{verb}")).json()["status"] == state
        case _:
            await finish(services, id, Status(state))


async def asked(api: httpx.AsyncClient, id: str, verb: str) -> httpx.Response:
    body: Any = {} if verb == "fork" else None
    return await api.post(f"/api/executions/{id}/{verb.replace('NAME', 'go')}", json=body)


async def check(api: httpx.AsyncClient, id: str, verb: str, state: str) -> str:
    """Ask, compare with the table, and say which state that has led to."""
    status, _, what = ANSWERS[verb, state].partition(" ")
    answer = await asked(api, id, verb)
    if status == "409":
        problem(answer, 409, "conflict")
        return state
    assert answer.status_code == int(status), answer.text
    if what == "new":
        assert answer.json()["id"] != id
        assert answer.json()["retry_of"] == id
        return state
    if what == "event":
        assert answer.json()["type"] == "signal.received"
        return state
    assert answer.json()["status"] == what
    return what


def test_the_table_is_whole() -> None:
    assert {state for _, state, _ in CELLS} == {status.value for status in Status}
    assert {verb for verb, _, _ in CELLS} == {"pause", "resume", "cancel", "retry", "fork", "replay", "events/NAME"}
    assert len(CELLS) == 7 * len(Status)


@pytest.mark.parametrize(("verb", "state"), [(verb, state) for verb, state, _ in CELLS])
async def test_each_verb_at_each_state_and_once_more(
    api: httpx.AsyncClient, services: Services, execution: str, verb: str, state: str
) -> None:
    await brought(api, services, execution, state)
    then = await check(api, execution, verb, state)
    assert (await api.get(f"/api/executions/{execution}")).json()["status"] == then
    assert await check(api, execution, verb, then) == then


@pytest.mark.parametrize("verb", sorted({verb for verb, _, _ in CELLS}))
async def test_another_tenants_execution_does_not_exist(
    other: httpx.AsyncClient, api: httpx.AsyncClient, services: Services, execution: str, verb: str
) -> None:
    problem(await asked(other, execution, verb), 404, "not_found")
    assert (await api.get(f"/api/executions/{execution}")).json()["status"] == "running"
    assert [event.type for event in await services.events.read("one", execution, 0)] == ["execution.started"]


@pytest.fixture
async def waits(services: Services, execution: str) -> Park:
    """Something of the execution that waits."""
    park = Park(tenant="one", execution=execution, key="w!0", step="w")
    await services.documents.write(partition_of("one", execution), [waiting(park)])
    return park


async def outbox(services: Services) -> int:
    return len((await services.documents.query(OUTBOX))[0])


@pytest.mark.parametrize(("first", "verb"), [("pause", "resume"), ("", "cancel"), ("", "events/go")])
async def test_what_waits_is_woken(
    api: httpx.AsyncClient, durable: FakeDurable, services: Services, execution: str, waits: Park, first: str, verb: str
) -> None:
    if first:
        await api.post(f"/api/executions/{execution}/{first}")
    assert durable.woken == []
    await api.post(f"/api/executions/{execution}/{verb}")
    assert durable.woken == [(execution, waits.wake)]
    assert await outbox(services) == 0


@pytest.mark.parametrize("verb", ["cancel", "events/go"])
async def test_a_wake_that_a_crash_prevented_is_made_up_for(
    api: httpx.AsyncClient,
    durable: FakeDurable,
    services: Services,
    execution: str,
    waits: Park,
    verb: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def dies(*_: object) -> None:
        raise SystemError("the process ended here")

    with monkeypatch.context() as patch:
        patch.setattr(type(services.waits), "wake", dies)
        assert (await api.post(f"/api/executions/{execution}/{verb}")).status_code == 500
    assert (durable.woken, await outbox(services)) == ([], 1)
    assert await recover(services, durable) == 0
    assert (execution, waits.wake) in durable.woken
    assert await outbox(services) == 1  # it may be another process's, which is just at it
    monkeypatch.setattr("services.waits.UNDER_WAY", timedelta(0))
    assert await recover(services, durable) == 0
    assert await outbox(services) == 0


@pytest.mark.parametrize(("verb", "state"), [("pause", "paused"), ("cancel", "canceling")])
async def test_what_was_asked_and_not_told_is_told_at_the_next_start(
    api: httpx.AsyncClient,
    durable: FakeDurable,
    services: Services,
    execution: str,
    verb: str,
    state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def dies(*_: object) -> None:
        raise SystemError("the process ended here")

    with monkeypatch.context() as patch:
        patch.setattr(type(services.controls), "ask", dies)
        assert (await api.post(f"/api/executions/{execution}/{verb}")).status_code == 500
    assert await services.controls.asked("one", execution) is None
    assert await recover(services, durable) == 0
    control = await services.controls.asked("one", execution)
    assert control is not None
    assert control.body["state"] == state


async def test_a_cancel_without_an_orchestration_ends_it_at_once(
    api: httpx.AsyncClient, durable: FakeDurable, services: Services, execution: str
) -> None:
    usage = Usage(model_calls=1, tokens_in=3, tokens_out=4).model_dump(mode="json")
    call = Draft(id="a", type=EventType.CALL_COMPLETED, time=datetime.now(UTC), step="draft", data={"usage": usage})
    await services.events.append("one", execution, [call])
    durable.started.clear()
    answer = await api.post(f"/api/executions/{execution}/cancel")
    record = answer.json()
    assert (answer.status_code, record["status"], record["stop_reason"]) == (200, "canceled", "canceled")
    assert (record["usage"]["tokens_out"], record["turns"]) == (4, 1)
    assert await services.executions.running() == []
    page = (await api.get(f"/api/executions/{execution}/events")).json()
    assert page["events"][-1]["type"] == "execution.canceled"
    assert page["ended"] is True


@pytest.mark.parametrize("verb", ["pause", "cancel", "events/go"])
async def test_at_the_moment_of_its_end_one_of_them_is_first(
    api: httpx.AsyncClient, services: Services, execution: str, verb: str
) -> None:
    answer, _ = await asyncio.gather(api.post(f"/api/executions/{execution}/{verb}"), finish(services, execution))
    status = "canceled" if verb == "cancel" and answer.status_code != 409 else "completed"
    log = await services.events.read("one", execution, 0)
    ends = [(event.offset, event.type) for event in log if event.type in TERMINAL]
    assert ends == [(len(log), f"execution.{status}")]
    assert (await api.get(f"/api/executions/{execution}")).json()["status"] == status


async def test_what_was_refused_leaves_nothing_to_make_up_for(
    api: httpx.AsyncClient, services: Services, execution: str
) -> None:
    await finish(services, execution)
    problem(await api.post(f"/api/executions/{execution}/events/go", json=1), 409, "conflict")
    assert (await services.documents.query(OUTBOX))[0] == []


async def test_an_event_is_sent_once_for_each_key(api: httpx.AsyncClient, services: Services, execution: str) -> None:
    send = f"/api/executions/{execution}/events/go"
    first = await api.post(send, json={"n": 1}, headers={"Idempotency-Key": "k"})
    again = await api.post(send, json={"n": 1}, headers={"Idempotency-Key": "k"})
    assert first.json() == again.json()
    await api.post(send, json=2)
    taken = [await services.signals.take("one", execution, "go", f"key{number}") for number in range(3)]
    assert [event.value if event else None for event in taken] == [{"n": 1}, 2, None]
    assert (await services.signals.take("one", execution, "go", "key0")) == taken[0]


async def test_an_event_may_come_in_pieces_whose_length_nobody_says(api: httpx.AsyncClient, execution: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"go": '
        yield b"true}"

    answer = await api.post(f"/api/executions/{execution}/events/go", content=body())
    assert answer.json()["value"] == {"go": True}


@pytest.mark.parametrize("name", ["Go", "-go", "g%20o", "x" * 64])
async def test_an_events_name_is_a_name(api: httpx.AsyncClient, execution: str, name: str) -> None:
    answer = problem(await api.post(f"/api/executions/{execution}/events/{name}"), 400, "invalid_request")
    assert list(answer) == ["/path/name"]
