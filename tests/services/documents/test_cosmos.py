from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos.aio import ContainerProxy

from domain.errors import Code, ProblemError
from services.cosmos.account import CosmosAccount
from services.documents import cosmos_beliefs
from services.documents.base import Append, Conflict, Delete, DocumentStore, Operation, Put
from services.documents.cosmos import CosmosDocuments
from services.documents.cosmos_plan import Knowledge, Seen
from tests.cosmos.running import Cosmos
from tests.services.documents.conformance import DocumentStoreConformance, P, must_get
from tests.services.documents.writer import DATABASE

ROOT = Path(__file__).parents[3]


def opened(server: Cosmos, container: str) -> CosmosDocuments:
    """On the server; or on the account that COSMOS_TEST_ENDPOINT names, which a person may want to verify."""
    url, key = os.environ.get("COSMOS_TEST_ENDPOINT", server.url), os.environ.get("COSMOS_TEST_KEY", server.key)
    return CosmosDocuments(CosmosAccount(url, key=key), DATABASE, container)


@pytest.fixture
async def store(server: Cosmos, container: str) -> AsyncIterator[CosmosDocuments]:
    store = opened(server, container)
    yield store
    await store.close()


@pytest.fixture
async def other(server: Cosmos, container: str, store: CosmosDocuments) -> AsyncIterator[CosmosDocuments]:
    other = opened(server, container)
    yield other
    await other.close()


class TestConformance(DocumentStoreConformance):
    pass


def start_writer(server: Cosmos, container: str, name: str, count: int) -> subprocess.Popen[str]:
    """A process that appends and says each offset once it is acknowledged."""
    where = f"{server.url}#{container}"
    command = [sys.executable, "-m", "tests.services.documents.writer", where, name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def test_two_processes_write_one_partition(server: Cosmos, container: str, store: DocumentStore) -> None:
    writers = [start_writer(server, container, name, 40) for name in ("one", "two")]
    said = [writer.communicate()[0].splitlines() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    entries = {id: offset for offset, id, _ in await store.read_stream(P, 0)}
    assert sorted(entries.values()) == list(range(1, 81))
    assert {line["id"]: line["offset"] for lines in said for line in map(json.loads, lines)} == entries
    assert (await must_get(store, "count")).body == {"n": 80}


@pytest.mark.parametrize("acknowledged_before_the_kill", [1, 17, 60])
async def test_what_was_acknowledged_survives_a_kill(
    server: Cosmos, container: str, store: DocumentStore, acknowledged_before_the_kill: int
) -> None:
    writer = start_writer(server, container, "w", 1_000_000)
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(acknowledged_before_the_kill)]
    os.kill(writer.pid, signal.SIGKILL)
    said += [line for line in writer.stdout.read().splitlines() if line.endswith("}")]
    writer.wait()
    writer.stdout.close()
    entries = await store.read_stream(P, 0, limit=100_000)
    kept = {id: offset for offset, id, _ in entries}
    assert [offset for offset, _, _ in entries] == list(range(1, len(entries) + 1))
    assert all(kept[line["id"]] == line["offset"] for line in map(json.loads, said))
    assert (await must_get(store, "count")).body == {"n": len(entries)}
    assert (await store.write(P, [Append("after", {})])).offsets["after"] >= len(entries) + 1


async def test_close_writes_what_was_accepted_and_refuses_more(server: Cosmos, container: str) -> None:
    store = opened(server, container)
    writes = [asyncio.create_task(store.write(P, [Append(f"e{number}", {})])) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writes)
    with pytest.raises(ProblemError) as caught:
        await store.write(P, [Put("late", {})])
    assert caught.value.problem.code is Code.PLATFORM_FAILED
    await store.close()
    again = opened(server, container)
    assert len(await again.read_stream(P, 0)) == 20
    await again.close()


async def test_canceled_before_its_turn_a_write_never_happens(store: CosmosDocuments) -> None:
    first = asyncio.create_task(store.write(P, [Append("first", {})]))
    await asyncio.sleep(0)
    second = asyncio.create_task(store.write(P, [Put("a", {})]))
    await asyncio.sleep(0)
    second.cancel()
    await first
    await store.write(P, [Put("b", {})])
    assert set(await store.get_many(P, ["a", "b", "first"])) == {"b", "first"}


async def test_canceled_while_it_is_written_it_is_there_whole(server: Cosmos, store: CosmosDocuments) -> None:
    await store.write(P, [Append("first", {})])
    server.fail("delay", operation="Batch", seconds=0.05)
    async with asyncio.timeout(10):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.write(P, [Append("e", {}), Put("a", {})]), 0.02)
        assert (await store.write(P, [Append("next", {})])).offsets == {"next": 3}
    assert set(await store.get_many(P, ["a", "e"])) == {"a", "e"}


async def test_one_failing_batch_spoils_no_other_of_its_group(store: CosmosDocuments) -> None:
    await store.write(P, [Put("taken", {})])
    outcomes = await asyncio.gather(
        *(
            store.write(P, [Append(f"e{number}", {}), Put(f"d{number}" if number % 3 else "taken", {}, if_absent=True)])
            for number in range(30)
        ),
        return_exceptions=True,
    )
    entries = await store.read_stream(P, 0)
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 10
    assert {id for _, id, _ in entries} == {f"e{number}" for number in range(30) if number % 3}
    assert [offset for offset, _, _ in entries] == list(range(1, 21))


async def test_what_the_service_refuses_spoils_no_other_of_its_group(store: CosmosDocuments) -> None:
    """Its quotation marks make it too large for Cosmos DB only once they are escaped."""
    refused: Operation = Put("refused", {"big": 2**70, "text": '"' * 850_000})
    outcomes = await asyncio.gather(
        store.write(P, [Append("a", {})]), store.write(P, [refused]), store.write(P, [Append("b", {})]),
        return_exceptions=True,
    )  # fmt: skip
    assert isinstance(outcomes[1], ProblemError)
    assert outcomes[1].problem.code is Code.TOO_LARGE
    assert [id for _, id, _ in await store.read_stream(P, 0)] == ["a", "b"]
    assert await store.get(P, "refused") is None


class Counted:
    """What the server was asked since it was told to forget."""

    def __init__(self, server: Cosmos) -> None:
        self._server = server
        server.forget()

    def operations(self) -> list[str]:
        found = [str(one["operation"]) for one in self._server.requests()]
        self._server.forget()
        return found


async def test_the_common_write_is_one_request(server: Cosmos, store: CosmosDocuments, other: DocumentStore) -> None:
    await store.write(P, [Append("e1", {}), Put("a", {})])
    counted = Counted(server)
    etag = (await store.write(P, [Append("e2", {}), Put("a", {"n": 2}), Put("b", {}, if_absent=True)])).etags["a"]
    assert counted.operations() == ["Batch"]
    await store.write(P, [Put("a", {"n": 3}, if_match=etag)])
    assert counted.operations() == ["ReplaceItem"]
    await store.write(P, [Put("c", {})])
    assert counted.operations() == ["CreateItem"]
    await store.write(P, [Delete("c")])
    assert counted.operations() == ["ReplaceItem"]
    await other.get_many(P, ["a", "b", "c"])
    counted.operations()
    await other.write(P, [Append("e3", {}), Put("a", {"n": 4})])  # what it read told where the stream ends
    assert counted.operations() == ["Batch"]
    await store.write(P, [Append("e4", {})])  # what it remembers is old
    assert counted.operations() == ["Batch", "ReadItem", "ReadItem", "Batch"]


async def test_writes_at_once_share_requests(server: Cosmos, store: CosmosDocuments) -> None:
    await store.write(P, [Append("e", {})])
    counted = Counted(server)
    writes = [store.write(P, [Append(f"e{number}", {}), Put(f"d{number}", {})]) for number in range(40)]
    written = await asyncio.gather(*writes)
    assert [list(one.offsets.values()) for one in written] == [[number] for number in range(2, 42)]
    assert counted.operations() == ["Batch"]


async def test_reading_is_one_request(server: Cosmos, store: CosmosDocuments) -> None:
    await store.write(P, [*(Put(f"d{number:02}", {"n": number}) for number in range(50)), Append("e", {})])
    counted = Counted(server)
    await store.get(P, "d01")
    assert counted.operations() == ["ReadItem"]
    await store.get_many(P, [f"d{number:02}" for number in range(50)])
    assert counted.operations() == ["QueryItems"]
    await store.query(P, between=("d10", "d40"), where={"n": 20}, limit=10)
    assert counted.operations() == ["QueryItems"]
    await store.read_stream(P, 0)
    assert counted.operations() == ["QueryItems"]


async def test_what_was_deleted_is_forgotten_after_a_time(server: Cosmos, store: CosmosDocuments) -> None:
    await store.write(P, [Put("a", {"n": 1})])
    await store.write(P, [Delete("a")])
    assert await store._reads.some_names(P, 10) == ["a"]
    server.advance(3600)
    assert await store._reads.some_names(P, 10) == []
    assert (await store.write(P, [Put("a", {"n": 2}, if_absent=True)])).etags


def test_what_a_process_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosmos_beliefs, "MOST_ITEMS", 3)
    monkeypatch.setattr(cosmos_beliefs, "MOST_STREAMS", 1)
    beliefs = cosmos_beliefs.Beliefs()
    for partition in ("p", "q"):
        beliefs.add(partition, Knowledge({id: Seen(f"etag of {id}") for id in "abc"}, last=7, has_head=True))
    beliefs.add("q", Knowledge({"a": Seen()}))
    assert beliefs.of("p", "abc") == Knowledge()
    assert beliefs.of("q", "abc") == Knowledge({"b": Seen("etag of b"), "c": Seen("etag of c")}, last=7, has_head=True)
    beliefs.forget("q")
    assert beliefs.of("q", "abc") == Knowledge()


async def test_every_answer_is_charged(server: Cosmos, container: str) -> None:
    charges: list[tuple[str, float]] = []
    account = CosmosAccount(server.url, key=server.key, on_charge=lambda *charge: charges.append(charge))
    store = CosmosDocuments(account, DATABASE, container)
    await store.get(P, "a")
    charges.clear()
    server.forget()
    server.fail("status", operation="Batch", status=429, retry_after_ms=1)
    await store.write(P, [Append("e", {}), Put("a", {})])
    await store.get_many(P, ["a", "b", "c"])
    await store.query(P)
    await store.read_stream(P, 0)
    await store.drop(P)
    await store.close()
    assert {name for name, _ in charges} == {"write", "look", "get_many", "query", "read_stream", "drop"}
    assert sum(units for _, units in charges) == pytest.approx(server.charge())


async def test_fields_are_names(store: CosmosDocuments) -> None:
    with pytest.raises(ValueError, match="not a field"):
        await store.query(P, where={"a.b' OR": 1})


async def test_a_batch_need_not_say_what_it_wrote(store: CosmosDocuments, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = ContainerProxy.execute_item_batch

    async def tersely(container: ContainerProxy, *given: Any, no_response: bool = False) -> Any:
        return await execute(container, *given, no_response=True)

    monkeypatch.setattr(ContainerProxy, "execute_item_batch", tersely)
    assert (await store.write(P, [Append("a", {}), Put("flag:x", {})])).flags == {"flag:x"}
    assert (await store.write(P, [Append("b", {}), Put("flag:y", {})])).flags == {"flag:x", "flag:y"}
    assert (await store.write(P, [Append("c", {}), Put("d", {})])).etags["d"] == (await must_get(store, "d")).etag
