from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from azure.cosmos.aio import CosmosClient
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Code, ProblemError
from services.cosmos.account import CosmosAccount
from services.embeddings.base import vector_of
from services.library.cosmos_container import scope_of
from services.library.cosmos_index import CosmosIndex
from services.library.index import Hit, PassageIndex
from tests.cosmos.running import Cosmos, fresh, start
from tests.services.library.conformance import SPACE, UP, IndexConformance, passages, sought, source, texts

Make = Callable[[], CosmosIndex]
OLD, NEW = passages(*[("pears", UP)] * 3), passages(*[("plums", UP)] * 2)


@pytest.fixture(scope="module")
def server() -> Iterator[Cosmos]:
    with start() as running:
        yield running


@pytest.fixture
def database() -> str:
    return fresh()


@pytest.fixture
async def make(server: Cosmos, database: str) -> AsyncIterator[Make]:
    """Makers over one container, each with a connection of its own, that wait for nothing."""
    accounts: list[CosmosAccount] = []

    async def at_once(_: float) -> None: ...

    def made() -> CosmosIndex:
        accounts.append(CosmosAccount(server.url, key=server.key))
        return CosmosIndex(accounts[-1], database, dimensions=(2, 3), sleep=at_once)

    yield made
    server.heal()
    for account in accounts:
        await account.close()


@pytest.fixture
def index(make: Make) -> PassageIndex:
    return make()


class TestCosmos(IndexConformance):
    pass


async def everything(index: PassageIndex) -> list[Hit]:
    return await index.search(sought("pears plums", UP, top=500))


async def count(server: Cosmos, database: str) -> int:
    """Of all items, seen or not."""
    async with CosmosClient(server.url, server.key) as client:
        container: Any = client.get_database_client(database).get_container_client("passages")
        return len([item async for item in container.query_items("SELECT c.id FROM c")])


async def test_a_document_of_any_length_is_published(server: Cosmos, database: str, index: PassageIndex) -> None:
    long = passages(*[(f"pears {number} " + "x" * 20_000, UP) for number in range(250)])
    assert await index.publish(source(), SPACE, long)
    assert len(await everything(index)) == 250
    assert await index.publish(source(upload="2"), SPACE, NEW)
    assert texts(await everything(index)) == ["plums", "plums"]
    assert await count(server, database) == 3
    await index.remove(source(upload="2"))
    assert await count(server, database) == 0


async def test_whoever_searches_sees_one_upload_whole(make: Make) -> None:
    writer, reader = make(), make()
    await writer.publish(source(upload="0"), SPACE, passages(*[("pears 0", UP)] * 20))

    async def publish() -> None:
        for upload in range(1, 8):
            await writer.publish(source(upload=str(upload)), SPACE, passages(*[(f"pears {upload}", UP)] * 20))

    publishing = asyncio.create_task(publish())
    seen: set[str] = set()
    while not publishing.done():
        found = texts(await everything(reader))
        assert len(found) == 20
        assert len(set(found)) == 1
        seen |= set(found)
    await publishing
    assert texts(await everything(reader)) == ["pears 7"] * 20
    assert len(seen) > 1


async def test_a_document_that_is_replaced_while_it_is_searched_is_found_as_it_is_then(
    server: Cosmos, make: Make
) -> None:
    writer, reader = make(), make()
    await writer.publish(source(upload="1"), SPACE, OLD)
    await everything(reader)
    server.fail("delay", operation="QueryItems", nth=2, seconds=600)  # the heads, after the ranking
    searching = asyncio.create_task(reader.search(sought(vector=UP, mode="vector")))
    while server.faults()[0]["seen"] < 2:  # noqa: ASYNC110 - of another process
        await asyncio.sleep(0)
    await writer.publish(source(upload="2"), SPACE, NEW)
    server.heal()
    assert texts(await searching) == ["plums"] * 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["cut", "status"])
async def test_wherever_it_is_cut_off_nothing_is_half_there(
    server: Cosmos, database: str, make: Make, kind: str, when: str
) -> None:
    index = make()
    await index.publish(source(upload="1"), SPACE, OLD)
    server.forget()
    await index.publish(source(upload="2"), SPACE, NEW)
    for nth in range(1, len(server.requests()) + 1):
        await index.publish(source(document := f"{nth}.md", "1"), SPACE, OLD)
        # More often than it is tried, so that it ends there as where the process does.
        server.fail(kind, path=database, nth=nth, times=100, when=when, status=449)
        with pytest.raises(ProblemError) as caught:
            await index.publish(source(document, "2"), SPACE, NEW)
        assert caught.value.problem.code is Code.PLATFORM_FAILED
        assert caught.value.problem.retryable
        server.heal()
        found = texts(await index.search(sought("pears plums", UP, documents=(document,))))
        assert found in (["pears"] * 3, ["plums"] * 2)
        assert await index.publish(source(document, "2"), SPACE, NEW)
        found = texts(await index.search(sought("pears plums", UP, documents=(document,))))
        assert found == ["plums"] * 2
        await index.remove(source(document, "2"))
    await index.remove(source(upload="2"))
    assert await count(server, database) == 0


@pytest.mark.parametrize(
    "fault", [{"kind": "cut", "when": "after"}, {"kind": "status", "status": 503}, {"kind": "cut"}]
)
async def test_what_fails_in_passing_is_tried_again(server: Cosmos, make: Make, fault: dict[str, Any]) -> None:
    index = make()
    await index.publish(source(upload="1"), SPACE, OLD)
    for operation in ("ReadItem", "Batch", "ReplaceItem", "QueryItems"):
        server.fail(operation=operation, **fault)
    assert await index.publish(source(upload="2"), SPACE, NEW)
    server.fail(operation="QueryItems", **fault)
    server.fail(operation="PlanQuery", **fault)
    assert texts(await everything(index)) == ["plums"] * 2
    server.fail(operation="DeleteItem", **fault)
    await index.remove(source(upload="2"))
    assert await everything(index) == []
    assert {one["fault"] for one in server.requests() if one["fault"]}


async def test_a_throttled_account_says_when_to_come_back(server: Cosmos, make: Make) -> None:
    index = make()
    await index.publish(source(), SPACE, OLD)
    server.fail("status", operation="QueryItems", status=429, retry_after_ms=1, times=2)
    assert len(await everything(index)) == 3
    server.fail("status", operation="QueryItems", status=429, retry_after_ms=1, times=100)
    with pytest.raises(ProblemError) as caught:
        await everything(index)
    assert caught.value.problem.retryable
    assert caught.value.problem.retry_after == pytest.approx(0.001)


async def test_what_was_never_finished_is_not_found_and_crowds_nothing_out(server: Cosmos, make: Make) -> None:
    index = make()
    await index.publish(source("b.md"), SPACE, passages(("pears and plums", vector_of([1, 1]))))
    server.fail("cut", operation="CreateItem", times=100)
    with pytest.raises(ProblemError):  # its passages are there, its head is not
        await index.publish(source(), SPACE, passages(*[("pears", UP)] * 120))
    server.heal()
    for mode in ("text", "vector", "hybrid"):
        assert texts(await index.search(sought("pears", UP, mode=mode, top=3))) == ["pears and plums"]


async def test_vectors_that_have_no_place_are_refused_with_what_to_do(index: PassageIndex) -> None:
    with pytest.raises(ProblemError) as caught:
        await index.publish(source(), SPACE, passages(("pears", vector_of([1, 2, 3, 4]))))
    problem = caught.value.problem
    assert "have 4" in problem.message
    assert "DIMENSIONS" in problem.action
    assert not problem.retryable
    await index.publish(source(), SPACE, OLD)
    four = vector_of([1, 2, 3, 4])
    assert await index.search(sought(vector=four, space="four", mode="vector")) == []
    assert len(await index.search(sought("pears", four, space="four"))) == 3


async def test_odd_characters_are_kept_out_of_the_database(index: PassageIndex) -> None:
    await index.publish(source("'\"\\.md"), SPACE, passages(("pears \ud800\0 plums", UP)))
    [hit] = await index.search(sought("pears\0\ud800", UP, documents=("'\"\\.md",)))
    assert hit.passage.text == "pears \ufffd\ufffd plums"
    assert hit.document == "'\"\\.md"


async def test_a_container_that_was_taken_away_is_a_problem_of_the_platform(
    server: Cosmos, database: str, make: Make
) -> None:
    index = make()
    await index.publish(source(), SPACE, OLD)
    async with CosmosClient(server.url, server.key) as client:
        await client.delete_database(database)
    for ask in (everything(index), index.publish(source(), SPACE, OLD), index.remove(source())):
        with pytest.raises(ProblemError) as caught:
            await ask
        assert caught.value.problem.code is Code.PLATFORM_FAILED


async def test_a_search_costs_a_handful_of_requests(server: Cosmos, make: Make) -> None:
    index = make()
    await index.publish(source(), SPACE, OLD)
    await everything(index)
    server.forget()
    await everything(index)
    # By words: a plan, statistics, the ranking. By meaning: one. And the heads.
    assert sorted(one["operation"] for one in server.requests()) == ["PlanQuery", *["QueryItems"] * 4]


@given(st.text(), st.text(), st.text(), st.text())
def test_no_two_collections_share_a_partition(tenant: str, collection: str, other: str, its: str) -> None:
    assert (scope_of(tenant, collection) == scope_of(other, its)) == ((tenant, collection) == (other, its))
