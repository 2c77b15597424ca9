from __future__ import annotations

import asyncio

import pytest

from domain.errors import Code, ProblemError, platform_failed
from domain.executions import Status
from domain.retention import Purged, RetentionPolicy
from domain.values import ARTIFACT_BYTES
from services.retention import StoredPolicy, purge_due
from services.wiring import Services
from tests.services.remains import FakeHistories, make
from tests.services.test_executions import T, create, end

MONTH = RetentionPolicy.model_validate({"completed": "P30D"})


async def held(services: Services, id: str) -> tuple[str, str] | None:
    record = await services.executions.get(T, id)
    assert record is not None
    return (record.hold.reason, record.hold.by) if record.hold else None


class TestPolicy:
    async def test_until_one_is_set_everything_is_kept_for_ever(self, services: Services) -> None:
        stored = await services.retention.policy(T)
        assert (stored.policy, stored.etag) == (RetentionPolicy(), None)
        assert await services.retention.tenants() == []

    async def test_what_was_set_is_read_by_all(self, services: Services, others: Services) -> None:
        stored = await services.retention.put(T, MONTH, "ann")
        assert (stored.policy, stored.by) == (MONTH, "ann")
        assert await others.retention.policy(T) == stored
        assert (await others.retention.policy("other")).policy == RetentionPolicy()

    async def test_of_two_who_change_what_they_read_one_is_refused(self, services: Services, others: Services) -> None:
        first = await services.retention.put(T, MONTH, "ann", create_only=True)
        outcomes = await asyncio.gather(
            services.retention.put(T, RetentionPolicy(), "bob", if_match=first.etag),
            others.retention.put(T, MONTH, "cid", if_match=first.etag),
            return_exceptions=True,
        )
        [refusal] = [outcome for outcome in outcomes if isinstance(outcome, ProblemError)]
        assert refusal.problem.code is Code.PRECONDITION_FAILED
        with pytest.raises(ProblemError, match="no longer what you read"):
            await services.retention.put(T, MONTH, "dan", create_only=True)

    async def test_tenants_with_a_policy_are_known(self, services: Services, others: Services) -> None:
        names = [f"t{number:03}" for number in range(250)]
        await asyncio.gather(*(services.retention.put(name, MONTH, "ann") for name in names))
        await services.retention.put(names[0], RetentionPolicy(), "ann")
        assert await others.retention.tenants() == names


class TestHolds:
    @pytest.mark.parametrize("status", [Status.RUNNING, Status.COMPLETED, Status.FAILED, Status.CANCELED])
    async def test_at_any_time_and_released_again(self, services: Services, status: Status) -> None:
        new = await create(services, input=["x" * ARTIFACT_BYTES])
        before = await end(services, new.id, status) if status.is_ended else new
        await services.retention.hold(T, new.id, "a law suit", "ann")
        assert await held(services, new.id) == ("a law suit", "ann")
        await services.retention.release(T, new.id)
        assert await services.executions.get(T, new.id) == before
        await services.retention.release(T, new.id)
        assert await services.executions.get(T, new.id) == before

    async def test_the_first_hold_stands(self, services: Services) -> None:
        new = await create(services)
        await services.retention.hold(T, new.id, "a law suit", "ann")
        first = await services.executions.get(T, new.id)
        await services.retention.hold(T, new.id, "a law suit", "bob")
        with pytest.raises(ProblemError, match="already on hold, by ann: a law suit") as caught:
            await services.retention.hold(T, new.id, "another", "bob")
        assert caught.value.problem.code is Code.CONFLICT
        assert await services.executions.get(T, new.id) == first

    async def test_it_outlasts_the_end(self, services: Services, others: Services) -> None:
        new = await create(services)
        await asyncio.gather(services.retention.hold(T, new.id, "why", "ann"), end(others, new.id))
        record = await services.executions.get(T, new.id)
        assert record is not None
        assert record.status is Status.COMPLETED
        assert await held(services, new.id) == ("why", "ann")
        listed, _ = await services.executions.list(T)
        assert listed[0].hold == record.hold

    async def test_only_executions_of_the_tenant(self, services: Services) -> None:
        new = await create(services, ("key", "hash"))
        page, _ = await services.documents.query(f"{T}/executions", between=("!", '"'))
        for tenant, id in [("other", new.id), (T, "0" * 32), (T, page[0].id)]:
            for change in (services.retention.hold(tenant, id, "why", "ann"), services.retention.release(tenant, id)):
                with pytest.raises(ProblemError) as caught:
                    await change
                assert caught.value.problem.code is Code.NOT_FOUND


class TestDaily:
    async def old(self, services: Services, tenant: str, number: int) -> None:
        await services.retention.put(tenant, MONTH, "ann")
        for n in range(number):
            await make(services, tenant, 3_650, n)

    async def test_all_that_is_due_of_all_tenants_a_batch_of_each_in_turn(self, services: Services) -> None:
        for tenant, number in (("a", 5), ("b", 0), ("c", 3)):
            await self.old(services, tenant, number)
        histories = FakeHistories()
        done = await purge_due(services, histories, await services.retention.tenants(), 2)
        assert done == {"a": Purged(purged=5), "b": Purged(), "c": Purged(purged=3)}
        roots = [id for id in histories.purged if "." not in id]
        assert len(roots) == 8

    async def test_when_the_time_is_up_the_rest_is_left_for_the_next_time(self, services: Services) -> None:
        await self.old(services, "a", 5)
        await self.old(services, "b", 5)
        for left in (3, 1, 0):
            await purge_due(services, FakeHistories(), ["a", "b"], 2, seconds=0)
            for tenant in ("a", "b"):
                assert len((await services.executions.list(tenant))[0]) == left

    async def test_one_tenants_trouble_is_no_others(
        self, services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        await self.old(services, "a", 1)
        await self.old(services, "b", 1)
        policy = services.retention.policy

        async def broken(tenant: str) -> StoredPolicy:
            if tenant == "a":
                raise ProblemError(platform_failed("The disk is full."))
            return await policy(tenant)

        monkeypatch.setattr(services.retention, "policy", broken)
        done = await purge_due(services, FakeHistories(), ["a", "b"], 2)
        assert done == {"b": Purged(purged=1)}
        assert "tenant a could not be purged" in caplog.text

    async def test_what_cannot_be_removed_is_not_tried_for_ever(self, services: Services) -> None:
        await self.old(services, "a", 5)
        done = await purge_due(services, FakeHistories(broken=True), ["a"], 2)
        assert done == {"a": Purged(failed=2, more=True)}
        assert (await purge_due(services, FakeHistories(), ["a"], 2))["a"].purged == 5
