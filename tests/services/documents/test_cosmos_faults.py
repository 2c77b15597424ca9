"""Cosmos DB in trouble: nothing is lost, nothing is done twice, errors are typed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from domain.errors import Code, Problem, ProblemError
from services.cosmos.account import CosmosAccount
from services.documents.base import Append, Conflict, Delete, DocumentStore, Last, Put
from services.documents.cosmos import CosmosDocuments
from services.documents.cosmos_items import WINDOW
from tests.cosmos.running import Cosmos
from tests.services.documents.conformance import P, must_get
from tests.services.documents.writer import DATABASE

IN_PASSING: list[dict[str, Any]] = [
    *({"kind": "status", "status": status, "when": "before"} for status in (408, 449, 500, 503)),
    *({"kind": "status", "status": status, "when": "after"} for status in (408, 449, 500, 503)),
    {"kind": "status", "status": 429, "retry_after_ms": 1},
    *({"kind": "cut", "when": when} for when in ("before", "after", "midway")),
    {"kind": "delay", "seconds": 0.4},
]  # fmt: skip
ANSWER_SECONDS = 0.2


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


def opened(server: Cosmos, container: str) -> CosmosDocuments:
    account = CosmosAccount(server.url, key=server.key, answer_seconds=ANSWER_SECONDS)
    return CosmosDocuments(account, DATABASE, container, sleep=at_once)


@pytest.fixture
async def store(server: Cosmos, container: str) -> AsyncIterator[CosmosDocuments]:
    store = opened(server, container)
    await store.get(P, "connected")
    yield store
    server.heal()
    await store.close()


@pytest.fixture
async def other(server: Cosmos, container: str, store: CosmosDocuments) -> AsyncIterator[CosmosDocuments]:
    other = opened(server, container)
    yield other
    await other.close()


def named(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


async def first_batch(store: DocumentStore) -> None:
    written = await store.write(P, [Append("x", {"n": 1}), Append("y", {}), Put("d", {"n": 1}, if_absent=True)])
    assert (written.offsets, written.appended) == ({"x": 1, "y": 2}, frozenset({"x", "y"}))
    assert (await must_get(store, "d")).etag == written.etags["d"]


async def later_batch(store: DocumentStore) -> None:
    etag = (await must_get(store, "count")).etag
    written = await store.write(P, [Append("z", {}), Put("count", {"n": 2}, if_match=etag), Delete("gone")])
    assert written.offsets == {"z": 2}
    assert (await must_get(store, "count")).etag == written.etags["count"]
    assert await store.get(P, "gone") is None


async def lone_create(store: DocumentStore) -> None:
    written = await store.write(P, [Put("a", {"n": 1}, if_absent=True)])
    assert (await must_get(store, "a")).etag == written.etags["a"]


async def lone_replace(store: DocumentStore) -> None:
    etag = (await must_get(store, "count")).etag
    written = await store.write(P, [Put("count", {"n": 2}, if_match=etag)])
    assert (await must_get(store, "count")).body == {"n": 2}
    assert (await must_get(store, "count")).etag == written.etags["count"]


async def lone_delete(store: DocumentStore) -> None:
    await store.write(P, [Delete("count", if_match=(await must_get(store, "count")).etag)])
    assert await store.get(P, "count") is None


async def on_condition_of_the_stream(store: DocumentStore) -> None:
    assert (await store.write(P, [Last(1), Append("z", {}), Put("flag:x", {})])).flags == {"flag:x"}
    assert (await store.write(P, [Append("zz", {})])).flags == {"flag:x"}


async def reads(store: DocumentStore) -> None:
    assert set(await store.get_many(P, ["count", "gone", "e", "absent"])) == {"count", "gone", "e"}
    assert await store.get(P, "absent") is None
    assert len((await store.query(P))[0]) == 2
    assert len(await store.read_stream(P, 0)) == 1


async def dropping(store: DocumentStore) -> None:
    await store.drop(P)
    assert (await store.read_stream(P, 0), await store.query(P)) == ([], ([], None))
    assert (await store.write(P, [Append("e", {})])).offsets == {"e": 1}


async def prepared(store: DocumentStore) -> None:
    await store.write(P, [Append("e", {}), Put("count", {"n": 1}), Put("gone", {})])


Work = Callable[[DocumentStore], Awaitable[None]]
WRITING: list[tuple[str, int, Work, Work | None]] = [
    ("Batch", 1, first_batch, None),
    ("Batch", 1, later_batch, prepared),
    ("Batch", 1, on_condition_of_the_stream, prepared),
    ("Batch", 2, on_condition_of_the_stream, prepared),
    ("CreateItem", 1, lone_create, None),
    ("ReplaceItem", 1, lone_replace, prepared),
    ("ReplaceItem", 1, lone_delete, prepared),
    ("Batch", 1, dropping, prepared),
    ("DeleteItem", 1, dropping, prepared),
]
READING: list[tuple[str, int, Work, Work | None]] = [
    ("ReadItem", 1, reads, prepared),
    ("QueryItems", 1, reads, prepared),
    ("QueryItems", 2, dropping, prepared),
]


def cases() -> Iterator[Any]:
    """A read is done or not: when it fails makes no difference. And the client itself waits before it reads again."""
    for fault in IN_PASSING:
        alike = fault.get("when") == "after" or fault.get("status") in (408, 503)
        for operation, nth, work, before in [*WRITING, *([] if alike else READING)]:
            yield pytest.param(
                fault, operation, nth, work, before, id=f"{work.__name__}-{operation}{nth}-{named(fault)}"
            )


@pytest.mark.parametrize(("fault", "operation", "nth", "work", "before"), list(cases()))
async def test_what_passes_is_not_noticed(
    server: Cosmos,
    store: CosmosDocuments,
    fault: dict[str, Any],
    operation: str,
    nth: int,
    work: Work,
    before: Work | None,
) -> None:
    if before is not None:
        await before(store)
    server.fail(**{**fault, "operation": operation, "nth": nth})
    await work(store)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_stays_is_a_problem_that_may_be_tried_again(
    server: Cosmos, store: CosmosDocuments, when: str
) -> None:
    await prepared(store)
    server.fail("cut", operation="Batch", times=1_000, when=when)
    with pytest.raises(ProblemError) as caught:
        await store.write(P, [Append("z", {}), Put("count", {"n": 2})])
    assert (caught.value.problem.code, caught.value.problem.retryable) == (Code.PLATFORM_FAILED, True)
    server.heal()
    assert (await store.write(P, [Append("z", {}), Put("count", {"n": 2})])).offsets == {"z": 2}
    assert len(await store.read_stream(P, 0)) == 2


async def test_a_throttled_account_is_waited_for_and_then_said(server: Cosmos, store: CosmosDocuments) -> None:
    server.fail("status", operation="CreateItem", times=1_000, status=429, retry_after_ms=7)
    with pytest.raises(ProblemError) as caught:
        await store.write(P, [Put("a", {})])
    assert caught.value.problem.retryable
    assert caught.value.problem.retry_after == 0.007


@pytest.mark.parametrize(("status", "said"), [(401, "COSMOS_KEY"), (403, "Data Contributor"), (400, "Report it")])
async def test_what_is_refused_is_said_at_once(server: Cosmos, store: CosmosDocuments, status: int, said: str) -> None:
    server.fail("status", operation="CreateItem", times=1_000, status=status)
    server.fail("status", operation="QueryItems", times=1_000, status=status)
    for asked in (store.write(P, [Put("a", {})]), store.query(P)):
        server.forget()
        with pytest.raises(ProblemError) as caught:
            await asked
        assert said in caught.value.problem.action
        assert caught.value.problem.retryable == (status != 400)
        assert len(server.requests()) == 1


async def test_a_container_that_is_taken_away(server: Cosmos, container: str, store: CosmosDocuments) -> None:
    from azure.cosmos import CosmosClient

    with CosmosClient(server.url, server.key) as client:
        client.get_database_client(DATABASE).delete_container(container)
    for asked in (store.get(P, "a"), store.query(P), store.write(P, [Put("a", {})])):
        with pytest.raises(ProblemError) as caught:
            await asked
        assert "infra/bicep" in caught.value.problem.action


class Lost:
    """A write whose answer is lost while somebody else goes on with what it wrote."""

    def __init__(self, server: Cosmos, store: CosmosDocuments, other: CosmosDocuments) -> None:
        self._server = server
        self._store = store
        self._other = other

    async def replace(self, others: int) -> dict[str, str]:
        """Replace `count` in vain of an answer, `others` times by others before the next try; the etags told."""
        etag = (await self._store.write(P, [Put("count", {"n": 0})])).etags["count"]

        async def meanwhile(_: float) -> None:
            for number in range(others):
                found = await must_get(self._other, "count")
                body = {"n": found.body["n"] + 1, "by": number}
                await self._other.write(P, [Put("count", body, if_match=found.etag)])

        self._store._connection._sleep = meanwhile
        self._server.fail("status", operation="ReplaceItem", status=500, when="after")
        return (await self._store.write(P, [Put("count", {"n": 1}, if_match=etag)])).etags


@pytest.mark.parametrize("others", range(WINDOW))
async def test_done_and_written_over_since_it_is_still_known_to_be_done(
    server: Cosmos, store: CosmosDocuments, other: CosmosDocuments, others: int
) -> None:
    etags = await Lost(server, store, other).replace(others)
    found = await must_get(store, "count")
    assert found.body["n"] == others + 1
    assert (found.etag == etags["count"]) == (others == 0)
    if others:
        with pytest.raises(Conflict):
            await store.write(P, [Put("count", {}, if_match=etags["count"])])


async def test_nobody_is_told_what_nobody_can_know(
    server: Cosmos, store: CosmosDocuments, other: CosmosDocuments
) -> None:
    with pytest.raises(ProblemError, match="not known") as caught:
        await Lost(server, store, other).replace(WINDOW)
    assert caught.value.problem.retryable


async def test_deleted_and_made_again_since(server: Cosmos, store: CosmosDocuments, other: CosmosDocuments) -> None:
    etag = (await store.write(P, [Put("a", {"n": 1})])).etags["a"]

    async def meanwhile(_: float) -> None:
        await other.write(P, [Put("a", {"n": 2}, if_absent=True)])

    store._connection._sleep = meanwhile
    server.fail("status", operation="ReplaceItem", status=500, when="after")
    await store.write(P, [Delete("a", if_match=etag)])
    assert (await must_get(store, "a")).body == {"n": 2}


class Actor:
    """Does random things, and notes what it was told."""

    def __init__(self, name: str, store: DocumentStore, chance: random.Random) -> None:
        self.name = name
        self._store = store
        self._chance = chance
        self.appended: dict[str, int] = {}
        self.counted = self.uncertain = 0
        self.maybe: set[str] = set()
        self.taken: list[str] = []
        self.problems: list[Problem] = []

    async def run(self, steps: int) -> None:
        for step in range(steps):
            act = self._chance.choice([self._append, self._append, self._count, self._both, self._take, self._look])
            try:
                await act(f"{self.name}.{step}")
            except ProblemError as error:
                self.problems.append(error.problem)

    async def _append(self, id: str) -> None:
        self.maybe.add(id)
        written = await self._store.write(P, [Append(id, {"by": self.name})], patient=self._chance.random() < 0.5)
        self.appended[id] = written.offsets[id]

    async def _count(self, id: str) -> None:
        await self._counting(id, with_entry=False)

    async def _both(self, id: str) -> None:
        await self._counting(id, with_entry=True)

    async def _counting(self, id: str, *, with_entry: bool) -> None:
        found = await self._store.get(P, "count")
        body = {"n": found.body["n"] + 1 if found else 1}
        put = Put("count", body, if_match=found.etag if found else None, if_absent=found is None)
        entry = [Append(id, {"by": self.name})] if with_entry else []
        try:
            written = await self._store.write(P, [*entry, put])
        except Conflict:
            return
        except ProblemError:
            self.uncertain += 1
            self.maybe |= {one.id for one in entry}
            raise
        self.counted += 1
        self.appended |= written.offsets

    async def _take(self, id: str) -> None:
        """Of all who see the token, one takes it; then another may be put in its place."""
        found = await self._store.get(P, "token")
        try:
            if found is None:
                await self._store.write(P, [Put("token", {"made": id}, if_absent=True)])
            else:
                await self._store.write(P, [Delete("token", if_match=found.etag)])
                self.taken.append(found.body["made"])
        except Conflict:
            return

    async def _look(self, id: str) -> None:
        entries = await self._store.read_stream(P, 0, limit=1_000)
        assert [offset for offset, _, _ in entries] == list(range(1, len(entries) + 1))


def random_fault(chance: random.Random) -> dict[str, Any]:
    fault = dict(chance.choice([fault for fault in IN_PASSING if fault["kind"] != "delay"]))
    writes = ["Batch", "Batch", "CreateItem", "ReplaceItem"]
    # The client itself tries reads again, after half a second where the service fails.
    reads = ["ReadItem", "QueryItems"] if fault["kind"] == "cut" or fault["status"] in (429, 449) else writes
    return {
        **fault,
        "operation": chance.choice([*writes, *reads]),
        "nth": chance.randint(1, 25),
        "times": chance.choice([1, 1, 1, 2, 8]),
    }


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_goes_wrong_nothing_is_lost_and_nothing_is_done_twice(
    server: Cosmos, store: CosmosDocuments, other: CosmosDocuments, seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(12):
        server.fail(**random_fault(chance))
    actors = [
        Actor(f"a{number}", (store, other)[number % 2], random.Random(seed * 100 + number)) for number in range(6)
    ]
    await asyncio.gather(*(actor.run(12) for actor in actors))
    server.heal()
    assert all(problem.retryable for actor in actors for problem in actor.problems)
    entries = await other.read_stream(P, 0, limit=10_000)
    kept = {id: offset for offset, id, _ in entries}
    told = {id: offset for actor in actors for id, offset in actor.appended.items()}
    assert [offset for offset, _, _ in entries] == list(range(1, len(entries) + 1))
    assert len(kept) == len(entries)
    assert {id: kept.get(id) for id in told} == told
    assert set(kept) <= set(told) | {id for actor in actors for id in actor.maybe}
    count = await other.get(P, "count")
    certain, unknown = sum(actor.counted for actor in actors), sum(actor.uncertain for actor in actors)
    assert certain <= (count.body["n"] if count else 0) <= certain + unknown
    taken = [made for actor in actors for made in actor.taken]
    assert len(taken) == len(set(taken))
