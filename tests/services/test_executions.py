from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Code, ProblemError, canceled, platform_failed
from domain.events import Draft, EventType
from domain.executions import Execution, Status, StopReason
from domain.usage import Usage
from domain.values import ARTIFACT_BYTES
from kit.clock import Clock
from services.documents.base import Delete, Operation, Put
from services.executions import new_execution_id
from services.running import SAID_AGAIN, Running
from services.wiring import Services, build
from tests.services.conftest import settings_for

T = "acme"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
USAGE = Usage(model_calls=3, tokens_in=100, tokens_out=20, cost_usd=Decimal("0.0123"))


def execution(tenant: str = T, **fields: Any) -> Execution:
    given = {"id": new_execution_id(), "workflow": "w", "input": {"q": 1}, **fields}
    return Execution(
        tenant=tenant, workflow_version=1, plan="0" * 64, status=Status.RUNNING, started_by="me", created=NOW, **given
    )


def started(value: Any = None) -> Draft:
    return Draft(id="execution.started", type=EventType.EXECUTION_STARTED, time=NOW, value=value)


async def create(services: Services, key: tuple[str, str] | None = None, **fields: Any) -> Execution:
    created, _ = await services.executions.create(execution(**fields), started(), key)
    return created


async def end(services: Services, id: str, status: Status = Status.COMPLETED, **fields: Any) -> Execution:
    reason = StopReason.FINISHED if status is Status.COMPLETED else None
    return await services.executions.end(T, id, **{"status": status, "stop_reason": reason, "ended": LATER, **fields})


def test_ids_sort_by_time_and_never_repeat() -> None:
    ids = [new_execution_id() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    assert all(re.fullmatch(r"[0-9a-f]{32}", id) for id in ids)
    assert [id[:12] for id in ids] == sorted(id[:12] for id in ids)


async def test_created_it_is_there_with_its_first_event(services: Services, others: Services) -> None:
    new = execution()
    assert await services.executions.create(new, started({"q": 1})) == (new, True)
    assert await others.executions.get(T, new.id) == new
    [event] = await others.events.read(T, new.id, 0)
    assert (event.type, event.value, event.offset) == (EventType.EXECUTION_STARTED, {"q": 1}, 1)
    assert await others.executions.running() == [new]


async def test_unknown_ones(services: Services) -> None:
    existing = await create(services, ("key", "hash"))
    assert await services.executions.get("other", existing.id) is None
    assert await services.executions.get(T, new_execution_id()) is None
    page, _ = await services.documents.query(f"{T}/executions")
    for document in page:  # nothing but the record is taken for one
        assert document.id == existing.id or await services.executions.get(T, document.id) is None
    with pytest.raises(ProblemError) as caught:
        await end(services, "nothing")
    assert caught.value.problem.code is Code.NOT_FOUND


@pytest.mark.parametrize("value", [None, {"text": "x" * ARTIFACT_BYTES}, ["ü" * 1_000_000]])
async def test_payloads_of_any_size_come_back(services: Services, others: Services, value: Any) -> None:
    new = await create(services, input=value)
    ended = await end(services, new.id, output=value)
    assert (ended.input, ended.output) == (value, value)
    assert await others.executions.get(T, new.id) == ended
    [document] = (await services.documents.query(f"{T}/executions", where={"kind": "execution"}))[0]
    assert len(str(document.body)) < ARTIFACT_BYTES * 2


class TestIdempotency:
    async def test_the_same_request_gives_the_same_execution(self, services: Services, others: Services) -> None:
        first = await create(services, ("key", "hash"))
        again, new = await others.executions.create(execution(), started(), ("key", "hash"))
        assert (again, new) == (first, False)
        assert await services.executions.running() == [first]

    async def test_another_request_with_the_key_is_refused(self, services: Services) -> None:
        await create(services, ("key", "hash"))
        with pytest.raises(ProblemError) as caught:
            await create(services, ("key", "other hash"))
        assert caught.value.problem.code is Code.CONFLICT
        assert len(await services.executions.running()) == 1

    async def test_other_keys_and_tenants_are_apart(self, services: Services) -> None:
        first = await create(services, ("key", "hash"))
        assert (await create(services, ("key2", "hash"))).id != first.id
        assert (await create(services, ("key", "hash"), tenant="other")).id != first.id
        assert (await create(services)).id != first.id

    async def test_of_many_at_once_one_is_created(self, services: Services, others: Services) -> None:
        created = await asyncio.gather(
            *((services, others)[n % 2].executions.create(execution(), started(), ("key", "hash")) for n in range(20))
        )
        assert sum(new for _, new in created) == 1
        assert len({record.id for record, _ in created}) == 1
        assert [record.id for record in await services.executions.running()] == [created[0][0].id]
        marks, _ = await services.documents.query("running")
        assert len(marks) == 1

    async def test_a_discarded_one_frees_its_key(self, services: Services) -> None:
        first = await create(services, ("key", "hash"))
        await services.executions.discard(T, first.id)
        second = await create(services, ("key", "other hash"))
        assert second.id != first.id
        assert await services.executions.get(T, first.id) is None
        assert await services.executions.running() == [second]

    async def test_any_text_may_be_a_key(self, services: Services) -> None:
        keys = ["/", "\\?#", "x" * 200, "ü", ""]
        ids = [(await create(services, (key, "hash"))).id for key in keys]
        assert [(await create(services, (key, "hash"))).id for key in keys] == ids


class TestListing:
    async def test_newest_first_without_payloads(self, services: Services) -> None:
        made = [await create(services, ("key", "h") if n == 3 else None, id=f"{n:032x}") for n in range(12)]
        await end(services, made[0].id, output="out")
        first, more = await services.executions.list(T, limit=5)
        second, more = await services.executions.list(T, limit=7, continuation=more)
        assert [record.id for record in first + second] == [record.id for record in reversed(made)]
        assert more is None
        assert {(record.input, record.output) for record in first + second} == {(None, None)}
        assert second[-1].status is Status.COMPLETED

    async def test_filters(self, services: Services) -> None:
        made = [await create(services, id=f"{n:032x}", workflow=f"w{n % 2}") for n in range(6)]
        for record in made[:3]:
            await end(services, record.id, Status.FAILED, error=platform_failed("x"))
        failed, _ = await services.executions.list(T, status=Status.FAILED)
        assert [record.id for record in failed] == [f"{n:032x}" for n in (2, 1, 0)]
        both, _ = await services.executions.list(T, status=Status.RUNNING, workflow="w1")
        assert [record.id for record in both] == [f"{n:032x}" for n in (5, 3)]
        assert (await services.executions.list(T, workflow="w"))[0] == []

    async def test_tenants_are_apart(self, services: Services) -> None:
        await create(services)
        assert await services.executions.list("other") == ([], None)


class TestEnding:
    async def test_what_it_ended_with_is_kept(self, services: Services, others: Services) -> None:
        new = await create(services)
        ended = await end(services, new.id, output={"a": None}, usage=USAGE, turns=7)
        expected = {"status": Status.COMPLETED, "output": {"a": None}, "stop_reason": StopReason.FINISHED}
        assert ended == new.model_copy(update={**expected, "usage": USAGE, "turns": 7, "ended": LATER})
        assert await others.executions.get(T, new.id) == ended
        assert await services.executions.running() == []

    async def test_the_first_end_stands(self, services: Services) -> None:
        new = await create(services)
        first = await end(services, new.id, Status.CANCELED, error=canceled())
        assert await end(services, new.id, output="late") == first
        assert await services.executions.get(T, new.id) == first

    async def test_a_cancel_that_was_accepted_stands(self, services: Services) -> None:
        """Also when the execution was just about to end otherwise, and had looked for a cancel before there was one."""
        new = await create(services)
        await services.executions.stand(T, new.id, Status.CANCELING, (Status.RUNNING,))
        ended = await end(services, new.id, output="done")
        assert (ended.status, ended.stop_reason, ended.output) == (Status.CANCELED, StopReason.CANCELED, None)

    async def test_of_many_ends_at_once_one_stands(self, services: Services, others: Services) -> None:
        new = await create(services)
        statuses = [Status.COMPLETED, Status.FAILED, Status.CANCELED]
        ends = await asyncio.gather(
            *(end((services, others)[n % 2], new.id, statuses[n % 3], turns=n) for n in range(12))
        )
        assert all(record == ends[0] for record in ends)
        assert await services.executions.get(T, new.id) == ends[0]

    async def test_an_ended_one_keeps_its_key(self, services: Services) -> None:
        new = await create(services, ("key", "hash"))
        ended = await end(services, new.id)
        assert await services.executions.create(execution(), started(), ("key", "hash")) == (ended, False)


class TestRecovery:
    async def test_running_ones_of_all_tenants_oldest_first(self, services: Services) -> None:
        large = ["x" * ARTIFACT_BYTES]
        made = await asyncio.gather(
            *(create(services, tenant="ab"[n % 2], id=f"{n:032x}", input=large if n == 7 else n) for n in range(250))
        )
        assert await services.executions.running() == made

    async def test_discarding(self, services: Services) -> None:
        new = await create(services)
        await services.executions.discard(T, new.id)
        await services.executions.discard(T, new.id)
        assert await services.executions.running() == []
        assert (await services.documents.query(f"{T}/executions")) == ([], None)

    async def test_the_mark_goes_with_the_end(self, services: Services) -> None:
        new = await create(services)
        assert await Running(services.documents).all() == [(new.id, T)]
        await end(services, new.id)
        assert await Running(services.documents).all() == []
        page, _ = await services.documents.query(f"{T}/executions")
        assert [document.id for document in page] == [new.id]

    async def test_marks_of_earlier_releases_are_followed_and_mislead_nobody(
        self, services: Services, tmp_path: Path
    ) -> None:
        """Those stand in the partition that spans tenants, and a kill may have left any of them."""
        running, ended, unrecorded = await create(services), await create(services), execution()
        await end(services, ended.id)
        unmark: list[Operation] = [Delete(f"!running:{running.id}")]
        await services.documents.write(f"{T}/executions", unmark)
        left = [Put(id, {"tenant": T}) for id in (running.id, ended.id, unrecorded.id)]
        await services.documents.write("running", left)
        restarted = build(settings_for(tmp_path))
        # One whose log says that it has ended needs nobody any more.
        assert [one.id for one in await restarted.executions.running()] == [running.id, ended.id]
        last = EventType.EXECUTION_COMPLETED
        await restarted.events.append(T, ended.id, [Draft(id=last, type=last, time=NOW)])
        assert await restarted.executions.running() == [running]
        assert await Running(restarted.documents).earlier(T) == [running.id, unrecorded.id]
        assert await Running(restarted.documents).earlier("other") == []
        await restarted.close()

    async def test_a_tenant_is_announced_once_in_a_while_and_looked_at_while_it_may_have_something(
        self, services: Services
    ) -> None:
        clock = Clock()
        running = Running(services.documents, clock)
        new = await create(services)
        written = [await _announced(services, running, clock, timedelta(minutes=minutes)) for minutes in (0, 20, 20)]
        assert len(set(written)) == 2
        assert await running.all(clock.now - timedelta(hours=1)) == [(new.id, T)]
        assert await running.all(clock.now + 3 * SAID_AGAIN) == []
        assert await running.all() == [(new.id, T)]


async def _announced(services: Services, running: Running, clock: Clock, later: timedelta) -> str:
    clock.now += later
    await running.announce(T)
    found = await services.documents.get("running", f"tenant:{T}")
    assert found is not None
    return found.etag
