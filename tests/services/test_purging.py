from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Code, ProblemError
from domain.executions import Status
from domain.retention import Purged, RetentionPolicy
from domain.webhooks import Webhook
from services.artifacts.blob import BlobArtifacts
from services.documents import cosmos_drop, sqlite_writes
from services.documents.base import Put
from services.documents.cosmos_drop import Drop
from services.documents.cosmos_queue import Queue
from services.documents.group_commit import GroupCommit
from services.purging import Purges
from services.wiring import Services, build
from tests.services.conftest import settings_for
from tests.services.remains import (
    LARGE,
    NOW,
    FakeHistories,
    everything,
    make,
    make_whole,
    orchestrators,
    straggle,
    traces,
)

T = "acme"
MONTH = RetentionPolicy.model_validate({"completed": "P30D", "failed": "P60D"})


async def ids(services: Services, tenant: str = T) -> set[str]:
    page, _ = await services.executions.list(tenant, limit=200)
    return {execution.id for execution in page}


@pytest.fixture(autouse=True)
async def _policy(services: Services) -> None:
    await services.retention.put(T, MONTH, "ann")


async def purge(services: Services, most: int = 100, client: FakeHistories | None = None, later: int = 0) -> Purged:
    return await services.purges.batch(client or FakeHistories(), T, most, NOW + timedelta(days=later))


class TestWhatIsDue:
    async def test_what_has_been_kept_long_enough_is_removed_and_nothing_else(self, services: Services) -> None:
        kept = {
            await make(services, T, 29),
            await make(services, T, 40, status=Status.FAILED),
            await make(services, T, 4_000, status=Status.CANCELED),
            await make(services, T, 4_000, 1, status=Status.RUNNING),
            await make(services, "other", 4_000),
        }
        await make(services, T, 31)
        await make(services, T, 61, status=Status.FAILED)
        assert await purge(services) == Purged(purged=2)
        assert await ids(services) | await ids(services, "other") == kept
        assert await purge(services) == Purged()

    async def test_without_a_policy_nothing_is(self, services: Services) -> None:
        await make(services, "other", 36_000)
        assert await services.purges.batch(FakeHistories(), "other", 100, NOW) == Purged()
        assert len(await ids(services, "other")) == 1

    async def test_the_oldest_first_whatever_their_status(self, services: Services) -> None:
        statuses = [Status.COMPLETED, Status.FAILED, Status.FAILED, Status.COMPLETED, Status.FAILED]
        made = [await make(services, T, 99 - n, status=status) for n, status in enumerate(statuses)]
        for left in (made[2:], made[4:], []):
            purged = await purge(services, 2)
            assert await ids(services) == set(left)
            assert purged.more is bool(left)

    async def test_one_that_began_long_ago_and_ended_lately_keeps_nobody_else(self, services: Services) -> None:
        first = await make(services, T, 90, status=Status.RUNNING)
        await services.executions.end(T, first, status=Status.COMPLETED, stop_reason=None, ended=NOW)
        await make(services, T, 80)
        assert await purge(services, 1) == Purged(purged=1)
        assert await ids(services) == {first}


class TestHolds:
    async def test_what_is_on_hold_is_kept_and_said(self, services: Services) -> None:
        made = [await make(services, T, 90 - n) for n in range(5)]
        for id in made[:3]:
            await services.retention.hold(T, id, "a law suit", "ann")
        assert await purge(services, 1) == Purged(purged=1, held=3, more=True)
        assert await purge(services, 1) == Purged(purged=1, held=3)
        assert await ids(services) == set(made[:3])
        await services.retention.release(T, made[1])
        assert await purge(services, 1) == Purged(purged=1, held=2)

    async def test_put_on_hold_in_the_last_moment_it_is_kept(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = await make(services, T, 90)
        between_reading_and_removing(services, monkeypatch, lambda: services.retention.hold(T, made, "why", "ann"))
        assert (await purge(services)).purged == 0
        assert await ids(services) == {made}


class TestInUse:
    @pytest.mark.parametrize("status", [Status.RUNNING, Status.PAUSED, Status.CANCELING])
    async def test_what_a_retry_needs_is_kept_until_that_has_ended(self, services: Services, status: Status) -> None:
        source = await make(services, T, 90, status=Status.FAILED)
        retry = await make(services, T, 80, status=Status.RUNNING, retry_of=source)
        await set_status(services, retry, status)
        assert await purge(services) == Purged(in_use=1)
        await services.executions.end(T, retry, status=Status.COMPLETED, stop_reason=None, ended=NOW)
        assert await purge(services) == Purged(purged=1)
        assert await ids(services) == {retry}

    async def test_retried_in_the_last_moment_it_is_kept(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = await make(services, T, 90, status=Status.FAILED)
        retried = lambda: make(services, T, 1, status=Status.RUNNING, retry_of=source)  # noqa: E731
        between_reading_and_removing(services, monkeypatch, retried)
        assert await purge(services) == Purged()
        assert source in await ids(services)
        assert await purge(services) == Purged(in_use=1)

    async def test_a_retry_that_comes_too_late_leaves_nothing(self, services: Services, tmp_path: Path) -> None:
        source = await make(services, T, 90, status=Status.FAILED)
        await purge(services)
        before = everything(tmp_path)
        with pytest.raises(ProblemError) as caught:
            await make(services, T, 1, status=Status.RUNNING, retry_of=source)
        assert caught.value.problem.code is Code.NOT_FOUND
        assert everything(tmp_path) == before

    async def test_of_many_retries_at_once_all_are_made(self, services: Services, others: Services) -> None:
        source = await make(services, T, 90, status=Status.FAILED)
        makers = ((services, others)[n % 2] for n in range(10))
        running = [make(maker, T, 1, n, status=Status.RUNNING, retry_of=source) for n, maker in enumerate(makers)]
        assert len(set(await asyncio.gather(*running))) == 10


class TestRemoval:
    async def test_nothing_is_left_of_it_and_all_of_everyone_else(self, services: Services, tmp_path: Path) -> None:
        await make_whole(services, T, 1, 1)
        await make_whole(services, "other", 90, 2)
        before = everything(tmp_path)
        gone = await make_whole(services, T, 90, 3)
        assert traces(tmp_path, gone)
        histories = FakeHistories(*orchestrators(gone), "somebody else's")
        assert await purge(services, client=histories) == Purged(purged=1)
        assert traces(tmp_path, gone) == set()
        assert everything(tmp_path) == before
        assert histories.there == {"somebody else's"}
        assert histories.signaled == [("chat", f"{gone}:talk", "delete")]

    async def test_its_idempotency_key_is_free_again(self, services: Services) -> None:
        await make_whole(services, T, 90, key="again")
        await purge(services)
        assert await services.executions.of_key(T, "again", "hash") is None
        assert await make(services, T, 1, key="again") in await ids(services)

    async def test_two_purges_at_once_get_in_nobodys_way(
        self, services: Services, others: Services, tmp_path: Path
    ) -> None:
        made = [await make_whole(services, T, 90 - n, n) for n in range(12)]
        histories = FakeHistories(*(instance for id in made for instance in orchestrators(id)))
        await asyncio.gather(*(purge((services, others)[n % 2], 3 * n, histories) for n in range(1, 5)))
        await purge(services)
        assert [traces(tmp_path, id) for id in made] == [set()] * 12
        assert histories.there == set()

    async def test_what_the_platform_refuses_is_counted_and_completed_by_the_next(
        self, services: Services, tmp_path: Path
    ) -> None:
        made = [await make_whole(services, T, 90 - n, n) for n in range(3)]
        assert await purge(services, 2, FakeHistories(broken=True)) == Purged(failed=2, more=True)
        assert await ids(services) == {made[2]}  # what was begun is not shown any more
        assert await purge(services, 2) == Purged(purged=2, more=True)
        assert await purge(services, 2) == Purged(purged=1)
        assert [traces(tmp_path, id) for id in made] == [set()] * 3


class TestOne:
    async def test_it_is_gone_at_once_whatever_the_policy_says(self, services: Services, tmp_path: Path) -> None:
        gone = await make_whole(services, "other", 0)
        await services.purges.one(FakeHistories(), "other", gone, NOW)
        assert await services.executions.get("other", gone) is None
        with pytest.raises(ProblemError) as caught:
            await services.purges.one(FakeHistories(), "other", gone, NOW)
        assert caught.value.problem.code is Code.NOT_FOUND
        assert "other" in await services.retention.tenants()

    async def test_what_comes_from_it_afterwards_is_removed_a_day_later(
        self, services: Services, tmp_path: Path
    ) -> None:
        gone = await make_whole(services, T, 0)
        await services.purges.one(FakeHistories(), T, gone, NOW)
        assert traces(tmp_path, gone) == {f"{T}/executions !purged:{gone}"}
        await straggle(services, T, gone)
        assert await purge(services) == Purged()
        assert len(traces(tmp_path, gone)) > 1
        histories = FakeHistories(gone)  # it had not quite ended
        assert await purge(services, client=histories, later=1) == Purged()
        assert traces(tmp_path, gone) == set()
        assert histories.there == set()

    async def test_one_that_may_still_tell_a_webhook_of_its_end_is_removed_once_more(
        self, services: Services, tmp_path: Path
    ) -> None:
        gone = await make_whole(services, T, 2, webhook=Webhook(url="https://hooks.example.com"))
        histories = FakeHistories()
        await services.purges.one(histories, T, gone, NOW)
        histories.there.add(gone)  # it waited for its next attempt
        assert await purge(services, client=histories, later=1) == Purged()
        assert histories.there == {gone}
        assert await purge(services, client=histories, later=2) == Purged()
        assert histories.there == set()
        assert traces(tmp_path, gone) == set()

    @pytest.mark.parametrize("status", [status for status in Status if not status.is_ended])
    async def test_not_before_its_end(self, services: Services, status: Status) -> None:
        made = await make(services, T, 90, status=Status.RUNNING)
        await set_status(services, made, status)
        await refused(services, made, f"The execution is {status}")

    async def test_not_on_hold(self, services: Services) -> None:
        made = await make(services, T, 90)
        await services.retention.hold(T, made, "a law suit", "ann")
        await refused(services, made, "on hold, by ann: a law suit")

    async def test_not_while_a_retry_needs_it(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        made = await make(services, T, 90)
        retried = lambda: make(services, T, 1, status=Status.RUNNING, retry_of=made)  # noqa: E731
        between_reading_and_removing(services, monkeypatch, retried)
        await refused(services, made, "reuses this one's answers")

    async def test_what_failed_half_way_is_completed_by_repeating_it(self, services: Services, tmp_path: Path) -> None:
        gone = await make_whole(services, T, 90)
        with pytest.raises(ProblemError) as caught:
            await services.purges.one(FakeHistories(broken=True), T, gone, NOW)
        assert caught.value.problem.code is Code.PLATFORM_FAILED
        await services.purges.one(FakeHistories(), T, gone, NOW)
        assert traces(tmp_path, gone) == set()

    @pytest.mark.parametrize("id", ["", "0" * 32, "!key:x", "../executions"])
    async def test_what_is_no_execution_is_not_found(self, services: Services, id: str) -> None:
        with pytest.raises(ProblemError) as caught:
            await services.purges.one(FakeHistories(), T, id, NOW)
        assert caught.value.problem.code is Code.NOT_FOUND


class Killed(BaseException):
    """The process is gone; nothing of ours catches it."""


class Fuse:
    """Kills at the n-th of all steps that change something: transactions, removed files, calls of the platform.

    Whichever stores these are: of the others nothing is called.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, histories: FakeHistories) -> None:
        self.left = -1
        # Few rows at a time, so that a drop has several transactions to be killed between.
        monkeypatch.setattr(sqlite_writes, "DROPPED_AT_ONCE", 2)
        monkeypatch.setattr(cosmos_drop, "BATCH_OPERATIONS", 2)
        on_azure = ((Queue, "submit"), (Drop, "_remove"), (Drop, "_remove_head"), (BlobArtifacts, "_delete"))
        for owner, name in ((GroupCommit, "submit"), (Path, "unlink"), (Path, "rmdir"), *on_azure):
            monkeypatch.setattr(owner, name, self.burning(getattr(owner, name)))
        for name in ("purge_instance_history", "signal_entity"):
            monkeypatch.setattr(histories, name, self.burning(getattr(histories, name)))

    def burning(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **keywords: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise Killed
            return function(*arguments, **keywords)

        return step


@pytest.mark.parametrize("days", [90, 0], ids=["long after its end", "just after its end"])
async def test_killed_anywhere_a_purge_is_completed_by_the_next(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    histories = FakeHistories()
    neighbour = await make_whole(services, T, 1, 999)
    fuse = Fuse(monkeypatch, histories)
    kills, killed = 0, True
    while killed:
        kills += 1
        gone = await make_whole(services, T, days, kills)
        histories.there |= orchestrators(gone)
        killed = await killed_while_purging(fuse, kills, services.purges.one(histories, T, gone, NOW))
        restarted = build(settings_for(tmp_path))
        if (record := await restarted.executions.get(T, gone)) is not None:
            assert record.input == [LARGE]  # it was not begun: it is all there
            await restarted.purges.one(histories, T, gone, NOW)
        for later in (0, 1):
            assert (await purge(restarted, client=histories, later=later)).failed == 0
        assert traces(tmp_path, gone) == set()
        assert histories.there == set()
        await restarted.close()
    assert kills > 20
    assert await ids(services) == {neighbour}
    assert len(traces(tmp_path, neighbour)) > 10


async def killed_while_purging(fuse: Fuse, step: int, purging: Awaitable[None]) -> bool:
    fuse.left = step
    try:
        await purging
    except Killed:
        return True
    finally:
        fuse.left = -1
    return False


async def test_a_thousand_are_purged_in_batches_with_little_memory(services: Services) -> None:
    text = "x" * 15_000  # not quite an artifact: as large as a record can be
    for start in range(0, 1_000, 50):
        await asyncio.gather(*(make(services, T, 90, n, input=text) for n in range(start, start + 50)))
    sizes = []
    tracemalloc.start()
    while True:
        done = await purge(services, 100)
        sizes.append(done.purged)
        if not done.more:
            break
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sizes == [100] * 10
    assert await ids(services) == set()
    assert peak < 20 * 2**20  # the records alone are 30 MB


def between_reading_and_removing(
    services: Services, monkeypatch: pytest.MonkeyPatch, happen: Callable[[], Any]
) -> None:
    """Let something happen, once, after a purge has read what is due and before it removes it."""
    before = Purges._in_use

    async def in_use(self: Purges, tenant: str) -> set[str]:
        found = await before(self, tenant)
        monkeypatch.setattr(Purges, "_in_use", before)
        await happen()
        return found

    monkeypatch.setattr(Purges, "_in_use", in_use)


async def refused(services: Services, id: str, why: str) -> None:
    before = await services.executions.get(T, id)
    for _ in range(2):
        with pytest.raises(ProblemError, match=why) as caught:
            await services.purges.one(FakeHistories(), T, id, NOW)
        assert caught.value.problem.code is Code.CONFLICT
    assert await services.executions.get(T, id) == before


async def set_status(services: Services, id: str, status: Status) -> None:
    record = await services.documents.get(f"{T}/executions", id)
    assert record is not None
    await services.documents.write(f"{T}/executions", [Put(id, {**record.body, "status": status.value})])
