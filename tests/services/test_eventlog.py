from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.events import Draft, Event, EventType
from domain.values import ARTIFACT_BYTES
from services.documents.base import Conflict, Put
from services.eventlog import EventLog, partition_of
from services.wiring import Services

T, E = "acme", "0123"
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def draft(id: str, type: EventType = EventType.STEP_STARTED, **fields: Any) -> Draft:
    return Draft(id=id, type=type, time=NOW, **fields)


def listening(services: Services) -> tuple[EventLog, list[Event]]:
    """A log that tells a list what it publishes."""
    heard: list[Event] = []

    def publish(tenant: str, execution: str, events: list[Event]) -> None:
        assert (tenant, execution) == (T, E)
        heard.extend(events)

    return EventLog(services.documents, services.artifacts, publish), heard


async def test_events_are_the_drafts_with_offsets(services: Services) -> None:
    log, heard = listening(services)
    drafts = [draft("a", step="s[0]", agent="x", data={"n": None, "l": [1]}), draft("b", value={"k": None})]
    events = await log.append(T, E, drafts)
    assert events == [Event(**vars(drafts[0]), offset=1), Event(**vars(drafts[1]), offset=2)]
    assert await log.read(T, E, 0) == events == heard
    assert await log.read(T, E, 1) == events[1:]
    assert await log.read(T, E, 0, limit=1) == events[:1]
    assert await log.get(T, E, ["b", "none"]) == {"b": events[1]}


async def test_appending_again_gives_what_was_first_logged_and_tells_nobody(services: Services) -> None:
    log, heard = listening(services)
    first = await log.append(T, E, [draft("a", value="first")])
    again = await log.append(T, E, [draft("new"), draft("a", value="second")])
    assert [(event.id, event.value, event.offset) for event in again] == [("new", None, 2), ("a", "first", 1)]
    assert again[1] == first[0]
    assert [event.id for event in heard] == ["a", "new"]


async def test_an_id_twice_in_one_append(services: Services) -> None:
    log, heard = listening(services)
    events = await log.append(T, E, [draft("a", value=1), draft("a", value=2)])
    assert events[0] == events[1]
    assert [event.value for event in await log.read(T, E, 0)] == [1] == [event.value for event in heard]


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}, "text", {"a": {"b": [None]}}])
async def test_small_values_are_kept_inline(services: Services, value: Any) -> None:
    [event] = await services.events.append(T, E, [draft("a", value=value)])
    [read] = await services.events.read(T, E, 0)
    assert (event.value, event.artifact) == (read.value, read.artifact) == (value, None)
    assert await services.events.value(T, E, read) == value


async def test_large_values_become_artifacts(services: Services) -> None:
    fitting, large = "x" * (ARTIFACT_BYTES - 2), "ü" * (ARTIFACT_BYTES // 2)
    events = await services.events.append(T, E, [draft("a", value=fitting), draft("b", value=large)])
    assert (events[0].value, events[0].artifact) == (fitting, None)
    assert events[1].value is None
    assert events[1].artifact is not None
    assert await services.events.read(T, E, 0) == events
    assert [await services.events.value(T, E, event) for event in events] == [fitting, large]
    # Logged again, it is the same artifact.
    assert (await services.events.append(T, E, [draft("b", value=large)]))[0] == events[1]


async def test_extra_operations_share_the_transaction(services: Services) -> None:
    log, heard = listening(services)
    await log.append(T, E, [draft("a")], Put("mark", {"n": 1}, if_absent=True))
    with pytest.raises(Conflict):
        await log.append(T, E, [draft("b")], Put("mark", {"n": 2}, if_absent=True))
    assert [event.id for event in await log.read(T, E, 0)] == ["a"] == [event.id for event in heard]
    await log.append(T, E, [], Put("mark", {"n": 3}))
    mark = await services.documents.get(partition_of(T, E), "mark")
    assert mark is not None
    assert mark.body == {"n": 3}


async def test_an_execution_ends_once(services: Services) -> None:
    log, heard = listening(services)
    await log.append(T, E, [draft("s", EventType.EXECUTION_STARTED)])
    completed = draft("c", EventType.EXECUTION_COMPLETED, value="done", data={"turns": 1})
    canceled = draft("x", EventType.EXECUTION_CANCELED)
    [end] = await log.append(T, E, [completed])
    assert await log.append(T, E, [draft("late"), canceled]) == [heard[2], end]
    assert await log.append(T, E, [completed]) == [end]
    assert [event.id for event in await log.read(T, E, 0)] == ["s", "c", "late"] == [event.id for event in heard]


async def test_of_many_ends_at_once_one_is_logged(services: Services, others: Services) -> None:
    types = [EventType.EXECUTION_COMPLETED, EventType.EXECUTION_FAILED, EventType.EXECUTION_CANCELED]
    appended = await asyncio.gather(
        *(
            mine.events.append(T, E, [draft(f"{type}{number}", type)])
            for number, mine in enumerate((services, others) * 5)
            for type in types
        )
    )
    assert await services.events.read(T, E, 0) == appended[0]
    assert all(events == appended[0] for events in appended)


async def test_a_conflict_in_extra_operations_is_told_from_an_ended_execution(services: Services) -> None:
    ended = draft("c", EventType.EXECUTION_COMPLETED)
    await services.events.append(T, E, [ended], Put("mark", {}))
    with pytest.raises(Conflict) as caught:
        await services.events.append(T, E, [draft("x", EventType.EXECUTION_CANCELED)], Put("mark", {}, if_absent=True))
    assert caught.value.id == "mark"


async def test_executions_and_tenants_are_apart(services: Services) -> None:
    await services.events.append(T, E, [draft("a")])
    for tenant, execution in ((T, "4567"), ("other", E)):
        assert await services.events.read(tenant, execution, 0) == []
        assert await services.events.get(tenant, execution, ["a"]) == {}
        assert (await services.events.append(tenant, execution, [draft("a")]))[0].offset == 1


async def test_processes_append_at_once_without_gaps(services: Services, others: Services) -> None:
    await asyncio.gather(
        *((services, others)[n % 2].events.append(T, E, [draft(f"e{n}"), draft(f"e{n + 1}")]) for n in range(40))
    )
    events = await services.events.read(T, E, 0)
    assert [event.offset for event in events] == list(range(1, 42))
    assert {event.id for event in events} == {f"e{n}" for n in range(41)}
