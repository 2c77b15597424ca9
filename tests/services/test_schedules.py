"""Schedules as they are kept, two processes at once included, and the marks that lead a sweep to them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import Code, ProblemError
from domain.schedules import Schedule, moved_to
from services.documents.base import Delete, Document
from services.schedules import SCHEDULED, Mark, StoredSchedule
from services.wiring import Services

T = "acme"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def schedule(name: str = "hourly", **fields: Any) -> Schedule:
    return Schedule.model_validate({"name": name, "workflow": "w", "cron": "0 * * * *", **fields})


async def due(services: Services, now: datetime) -> list[tuple[Mark, StoredSchedule]]:
    """What a sweep would deal with."""
    found = [(mark, await services.schedules.of_mark(mark, now)) for mark in await services.schedules.due(now)]
    return [(mark, stored) for mark, stored in found if stored]


async def marks(services: Services) -> list[Document]:
    found, _ = await services.documents.query(SCHEDULED)
    return found


async def dealt_with(services: Services, stored: StoredSchedule, now: datetime) -> bool:
    return await services.schedules.advance(T, stored, moved_to(stored.state, stored.schedule, now))


def code_of(caught: pytest.ExceptionInfo[ProblemError]) -> Code:
    return caught.value.problem.code


async def test_created_read_changed_and_deleted(services: Services, others: Services) -> None:
    first = await services.schedules.create(T, schedule(), NOON)
    assert await others.schedules.get(T, "hourly") == first
    assert (first.updated, first.state.next) == (NOON, NOON + HOUR)
    changed, change = await services.schedules.put(T, schedule(description="New."), NOON + HOUR / 2)
    assert (change, changed.state, changed.etag != first.etag) == ("changed", first.state, True)
    assert await services.schedules.put(T, schedule(description="New."), NOON + HOUR) == (changed, "unchanged")
    assert await services.schedules.delete(T, "hourly")
    assert await services.schedules.get(T, "hourly") is None
    assert not await services.schedules.delete(T, "hourly")
    assert await marks(services) == []


async def test_bounds_survive_the_store(services: Services) -> None:
    bounded = schedule(**{"from": "2026-06-01T09:00:00+02:00", "until": "2026-07-01T00:00:00Z"}, time_zone="Asia/Tokyo")
    await services.schedules.create(T, bounded, NOON)
    stored = await services.schedules.get(T, "hourly")
    assert stored is not None
    assert stored.schedule == bounded


async def test_a_name_is_created_once(services: Services, others: Services) -> None:
    creations = [(services, others)[number % 2].schedules.create(T, schedule(), NOON) for number in range(6)]
    outcomes = await asyncio.gather(*creations, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, ProblemError)]
    assert [failure.problem.code for failure in failures] == [Code.CONFLICT] * 5


async def test_if_match(services: Services) -> None:
    first = await services.schedules.create(T, schedule(), NOON)
    second, _ = await services.schedules.put(T, schedule(description="2"), NOON, if_match=first.etag)
    for change in (
        services.schedules.put(T, schedule(description="3"), NOON, if_match=first.etag),
        services.schedules.put(T, schedule("other"), NOON, if_match=first.etag),
        services.schedules.put(T, schedule(), NOON, create_only=True),
        services.schedules.delete(T, "hourly", if_match=first.etag),
    ):
        with pytest.raises(ProblemError) as caught:
            await change
        assert code_of(caught) is Code.PRECONDITION_FAILED
    assert await services.schedules.get(T, "hourly") == second
    assert await services.schedules.delete(T, "hourly", if_match=second.etag)


async def test_of_many_with_one_etag_one_wins(services: Services, others: Services) -> None:
    first = await services.schedules.create(T, schedule(), NOON)
    changes = [
        (services, others)[number % 2].schedules.put(T, schedule(description=f"{number}"), NOON, if_match=first.etag)
        for number in range(8)
    ]
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    assert [isinstance(outcome, ProblemError) for outcome in outcomes].count(False) == 1


async def test_lists_by_name_page_by_page_and_by_tenant(services: Services) -> None:
    for name in ("b", "c", "a"):
        await services.schedules.create(T, schedule(name), NOON)
    await services.schedules.create("other", schedule("d"), NOON)
    first, more = await services.schedules.list(T, limit=2)
    rest, end = await services.schedules.list(T, continuation=more)
    assert [stored.schedule.name for stored in first + rest] == ["a", "b", "c"]
    assert end is None


class TestPausing:
    async def test_twice_is_like_once(self, services: Services) -> None:
        await services.schedules.create(T, schedule(), NOON)
        paused = await services.schedules.set_paused(T, "hourly", True, NOON)
        assert (paused.schedule.paused, paused.state.next) == (True, None)
        assert await services.schedules.set_paused(T, "hourly", True, NOON + HOUR) == paused
        assert await due(services, NOON + 9 * HOUR) == []
        resumed = await services.schedules.set_paused(T, "hourly", False, NOON + 9.5 * HOUR)
        assert resumed.state.next == NOON + 10 * HOUR
        assert len(await marks(services)) == 1

    async def test_who_changes_it_without_a_word_about_it_leaves_it_paused(self, services: Services) -> None:
        await services.schedules.create(T, schedule(), NOON)
        await services.schedules.set_paused(T, "hourly", True, NOON)
        changed, _ = await services.schedules.put(T, schedule(cron="5 * * * *"), NOON)
        assert (changed.schedule.paused, changed.state.next) == (True, None)
        changed, _ = await services.schedules.put(T, schedule(cron="5 * * * *", paused=False), NOON)
        assert changed.state.next == NOON + HOUR / 12

    async def test_what_is_not_there(self, services: Services) -> None:
        with pytest.raises(ProblemError) as caught:
            await services.schedules.set_paused(T, "hourly", True, NOON)
        assert code_of(caught) is Code.NOT_FOUND


class TestDue:
    async def test_a_sweep_reads_what_is_due_of_every_tenant_and_no_more(self, services: Services) -> None:
        for tenant, minute in (("b", 20), ("a", 40), ("c", 10), ("d", 50)):
            await services.schedules.create(tenant, schedule(cron=f"{minute} * * * *"), NOON)
        found = await services.schedules.due(NOON + HOUR * 2 / 3)
        assert [mark.tenant for mark in found] == ["c", "b", "a"]
        assert await services.schedules.due(NOON) == []

    async def test_dealt_with_it_is_due_at_its_next_time(self, services: Services) -> None:
        await services.schedules.create(T, schedule(), NOON)
        [(_, stored)] = await due(services, NOON + HOUR)
        assert await dealt_with(services, stored, NOON + HOUR)
        assert await due(services, NOON + 1.9 * HOUR) == []
        assert len(await due(services, NOON + 2 * HOUR)) == 1
        assert len(await marks(services)) == 1

    async def test_of_two_sweeps_one_counts(self, services: Services, others: Services) -> None:
        await services.schedules.create(T, schedule(), NOON)
        [(_, mine)], [(_, theirs)] = await due(services, NOON + HOUR), await due(others, NOON + HOUR)
        assert await dealt_with(services, mine, NOON + HOUR)
        assert not await dealt_with(others, theirs, NOON + HOUR)
        assert len(await due(services, NOON + 2 * HOUR)) == 1

    async def test_what_was_changed_or_deleted_meanwhile_is_left_alone(self, services: Services) -> None:
        await services.schedules.create(T, schedule(), NOON)
        [(_, stored)] = await due(services, NOON + HOUR)
        changed, _ = await services.schedules.put(T, schedule(cron="30 * * * *"), NOON + HOUR)
        assert not await dealt_with(services, stored, NOON + HOUR)
        assert await services.schedules.get(T, "hourly") == changed
        assert [mark.time for mark in await services.schedules.due(NOON + 1.5 * HOUR)] == [NOON + 1.5 * HOUR]
        [(_, stored)] = await due(services, NOON + 1.5 * HOUR)
        await services.schedules.delete(T, "hourly")
        assert not await dealt_with(services, stored, NOON + HOUR)
        assert await services.schedules.get(T, "hourly") is None

    async def test_a_change_of_something_else_while_it_is_due_loses_no_time(self, services: Services) -> None:
        await services.schedules.create(T, schedule(), NOON)
        await services.schedules.put(T, schedule(description="x"), NOON + 1.1 * HOUR)
        [(_, stored)] = await due(services, NOON + 1.2 * HOUR)
        assert stored.state.next == NOON + HOUR

    async def test_the_etag_of_the_author_does_not_change_with_it(self, services: Services) -> None:
        first = await services.schedules.create(T, schedule(), NOON)
        [(_, stored)] = await due(services, NOON + HOUR)
        await dealt_with(services, stored, NOON + HOUR)
        await services.schedules.put(T, schedule(description="x"), NOON + HOUR, if_match=first.etag)


class TestMarks:
    """Whichever write is the last one of a process that is killed."""

    async def test_one_that_was_written_before_its_schedule_is_left_for_a_while(self, services: Services) -> None:
        stored = await services.schedules.create(T, schedule(), NOON)
        await services.documents.write(f"{T}/schedules", [Delete("schedule:hourly"), Delete("state:hourly")])
        assert await due(services, NOON + 1.5 * HOUR) == []
        assert [mark.id for mark in await marks(services)] == [stored.mark]
        assert await due(services, NOON + 3 * HOUR) == []
        assert await marks(services) == []

    async def test_one_that_was_not_taken_away_changes_nothing(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def killed(mark: str | None) -> None:
            """Never gets there."""

        with monkeypatch.context() as patched:
            patched.setattr(services.schedules, "_unmark", killed)
            await services.schedules.create(T, schedule(), NOON)
            await services.schedules.put(T, schedule(cron="30 * * * *"), NOON)
            [(_, stored)] = await due(services, NOON + HOUR)
            await dealt_with(services, stored, NOON + HOUR)
        assert len(await marks(services)) == 3
        [(_, stored)] = await due(services, NOON + 1.5 * HOUR)
        assert stored.state.next == NOON + 1.5 * HOUR
        await due(services, NOON + 9 * HOUR)
        assert [mark.id for mark in await marks(services)] == [stored.mark]

    async def test_changing_back_and_forth_at_once_leaves_the_one_that_counts(
        self, services: Services, others: Services
    ) -> None:
        await services.schedules.create(T, schedule(), NOON)
        crons = ["0 * * * *", "30 * * * *"]
        changes = [
            (services, others)[number % 2].schedules.put(T, schedule(cron=crons[number % 2]), NOON)
            for number in range(20)
        ]
        await asyncio.gather(*changes)
        [(_, stored)] = await due(services, NOON + HOUR)
        assert stored == await services.schedules.get(T, "hourly")
