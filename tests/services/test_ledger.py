from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from domain.calls import completed_id, rejected_id
from domain.events import Draft, EventType
from services.control import canceled_id
from services.documents.base import Put
from services.eventlog import partition_of
from services.wiring import Services

T, E, KEY, STEP = "acme", "0123", "debate/turn[3]#0", "debate/turn[3]"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def draft(id: str, type: EventType, value: object = None) -> Draft:
    return Draft(id=id, type=type, time=NOW, value=value)


async def test_a_call_is_unknown_then_begun_then_answered(services: Services, others: Services) -> None:
    entry = await services.ledger.look_up(T, E, KEY, STEP)
    assert (entry.answer, entry.begun, entry.standing.canceled) == (None, 0, False)
    for attempt in (1, 2):
        started = draft(f"{KEY}:{attempt}", EventType.CALL_STARTED)
        [event] = await services.ledger.begin(T, E, KEY, attempt, [started])
        assert event.offset == attempt
        assert (await others.ledger.look_up(T, E, KEY, STEP)).begun == attempt
    [answer] = await services.events.append(T, E, [draft(completed_id(KEY), EventType.CALL_COMPLETED, "yes")])
    entry = await others.ledger.look_up(T, E, KEY, STEP)
    assert (entry.answer, entry.begun) == (answer, 2)


async def test_the_first_answer_is_the_answer(services: Services, others: Services) -> None:
    answers = await asyncio.gather(
        *(
            (services, others)[n % 2].events.append(T, E, [draft(completed_id(KEY), EventType.CALL_COMPLETED, n)])
            for n in range(10)
        )
    )
    entry = await services.ledger.look_up(T, E, KEY, STEP)
    assert all(events == [entry.answer] for events in answers)


async def test_a_canceled_execution_is_seen(services: Services) -> None:
    canceled = EventType.EXECUTION_CANCELED
    await services.events.append(T, E, [draft(str(canceled), canceled)])
    assert (await services.ledger.look_up(T, E, KEY, STEP)).standing.canceled


@pytest.mark.parametrize("around", ["debate", "debate/turn[3]"])
async def test_a_canceled_step_is_seen_by_what_is_in_it_and_by_nothing_else(services: Services, around: str) -> None:
    await services.documents.write(partition_of(T, E), [Put(canceled_id(around), {})])
    assert (await services.ledger.look_up(T, E, KEY, STEP)).standing.canceled
    assert not (await services.ledger.look_up(T, E, "debates#0", "debates")).standing.canceled


async def test_a_pause_is_seen(services: Services) -> None:
    assert not (await services.ledger.look_up(T, E, KEY, STEP)).standing.is_paused
    await services.controls.ask(T, E, "paused", draft("pause", EventType.EXECUTION_PAUSED))
    assert (await services.ledger.look_up(T, E, KEY, STEP)).standing.is_paused


async def test_an_answer_that_did_not_fit_is_one_all_the_same(services: Services) -> None:
    [rejected] = await services.events.append(T, E, [draft(rejected_id(KEY), EventType.CALL_REJECTED, "no")])
    assert (await services.ledger.look_up(T, E, KEY, STEP)).answer == rejected


async def test_other_calls_executions_and_tenants_are_apart(services: Services) -> None:
    await services.ledger.begin(T, E, KEY, 1, [draft(completed_id(KEY), EventType.CALL_COMPLETED)])
    for tenant, execution, key in ((T, E, "other"), (T, "4567", KEY), ("other", E, KEY)):
        entry = await services.ledger.look_up(tenant, execution, key, STEP)
        assert (entry.answer, entry.begun) == (None, 0)
