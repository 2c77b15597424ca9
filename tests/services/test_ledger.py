from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from domain.calls import completed_id
from domain.events import Draft, EventType
from services.wiring import Services

T, E, KEY = "acme", "0123", "debate/turn[3]:call"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def draft(id: str, type: EventType, value: object = None) -> Draft:
    return Draft(id=id, type=type, time=NOW, value=value)


async def test_a_call_is_unknown_then_begun_then_answered(services: Services, others: Services) -> None:
    entry = await services.ledger.look_up(T, E, KEY)
    assert (entry.answer, entry.begun, entry.canceled) == (None, 0, False)
    for attempt in (1, 2):
        started = draft(f"{KEY}:{attempt}", EventType.CALL_STARTED)
        [event] = await services.ledger.begin(T, E, KEY, attempt, [started])
        assert event.offset == attempt
        assert (await others.ledger.look_up(T, E, KEY)).begun == attempt
    [answer] = await services.events.append(T, E, [draft(completed_id(KEY), EventType.CALL_COMPLETED, "yes")])
    entry = await others.ledger.look_up(T, E, KEY)
    assert (entry.answer, entry.begun) == (answer, 2)


async def test_the_first_answer_is_the_answer(services: Services, others: Services) -> None:
    answers = await asyncio.gather(
        *(
            (services, others)[n % 2].events.append(T, E, [draft(completed_id(KEY), EventType.CALL_COMPLETED, n)])
            for n in range(10)
        )
    )
    entry = await services.ledger.look_up(T, E, KEY)
    assert all(events == [entry.answer] for events in answers)


async def test_a_canceled_execution_is_seen(services: Services) -> None:
    canceled = EventType.EXECUTION_CANCELED
    await services.events.append(T, E, [draft(str(canceled), canceled)])
    assert (await services.ledger.look_up(T, E, KEY)).canceled


async def test_other_calls_executions_and_tenants_are_apart(services: Services) -> None:
    await services.ledger.begin(T, E, KEY, 1, [draft(completed_id(KEY), EventType.CALL_COMPLETED)])
    for tenant, execution, key in ((T, E, "other"), (T, "4567", KEY), ("other", E, KEY)):
        entry = await services.ledger.look_up(tenant, execution, key)
        assert (entry.answer, entry.begun) == (None, 0)
