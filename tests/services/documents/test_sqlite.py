from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.errors import Code, ProblemError
from services.documents import sqlite_writes
from services.documents.base import Append, Delete, DocumentStore, Put
from services.documents.sqlite import SqliteDocuments
from services.documents.sqlite_file import SCHEMA_VERSION, NewerSchema
from tests.services.documents.conformance import DocumentStoreConformance, P

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DocumentStore]:
    store = SqliteDocuments(tmp_path / "documents.db")
    yield store
    await store.close()


@pytest.fixture
async def other(tmp_path: Path, store: DocumentStore) -> AsyncIterator[DocumentStore]:
    other = SqliteDocuments(tmp_path / "documents.db")
    yield other
    await other.close()


class TestConformance(DocumentStoreConformance):
    pass


def start_writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    """A process that appends and says each offset once it is acknowledged."""
    command = [sys.executable, "-m", "tests.services.documents.writer", str(path), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def test_two_processes_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "documents.db"  # made by whoever of them comes first
    writers = [start_writer(path, name, 40) for name in ("one", "two")]
    said = [writer.communicate()[0].splitlines() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    store = SqliteDocuments(path)
    entries = {id: offset for offset, id, _ in await store.read_stream(P, 0)}
    count = await store.get(P, "count")
    await store.close()
    assert sorted(entries.values()) == list(range(1, 81))
    assert {line["id"]: line["offset"] for lines in said for line in map(json.loads, lines)} == entries
    assert count is not None
    assert count.body == {"n": 80}


@pytest.mark.parametrize("acknowledged_before_the_kill", [1, 17, 60])
async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, acknowledged_before_the_kill: int) -> None:
    path = tmp_path / "documents.db"
    writer = start_writer(path, "w", 1_000_000)
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(acknowledged_before_the_kill)]
    os.kill(writer.pid, signal.SIGKILL)
    said += [line for line in writer.stdout.read().splitlines() if line.endswith("}")]
    writer.wait()
    writer.stdout.close()
    store = SqliteDocuments(path)
    entries = await store.read_stream(P, 0, limit=100_000)
    count = await store.get(P, "count")
    await store.write(P, [Append("after", {})])
    await store.close()
    kept = {id: offset for offset, id, _ in entries}
    assert [offset for offset, _, _ in entries] == list(range(1, len(entries) + 1))
    assert all(kept[line["id"]] == line["offset"] for line in map(json.loads, said))
    # The document and the entry of one batch are there together.
    assert count is not None
    assert count.body == {"n": len(entries)}


async def test_close_writes_what_was_accepted_and_refuses_more(tmp_path: Path) -> None:
    store = SqliteDocuments(tmp_path / "documents.db")
    writes = [asyncio.create_task(store.write(P, [Append(f"e{number}", {})])) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writes)
    with pytest.raises(ProblemError) as caught:
        await store.write(P, [Put("late", {})])
    assert caught.value.problem.code is Code.PLATFORM_FAILED
    await store.close()
    again = SqliteDocuments(tmp_path / "documents.db")
    assert len(await again.read_stream(P, 0)) == 20
    await again.close()


async def test_canceled_before_it_began_a_write_never_happens(store: SqliteDocuments) -> None:
    busy, go_on = threading.Event(), threading.Event()

    def keep_busy(_: sqlite3.Connection) -> None:
        busy.set()
        go_on.wait()

    blocking = store._writer.submit(keep_busy)
    await asyncio.to_thread(busy.wait)
    writing = asyncio.create_task(store.write(P, [Put("a", {})]))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go_on.set()
    await blocking
    await store.write(P, [Put("b", {})])
    assert set(await store.get_many(P, ["a", "b"])) == {"b"}


async def test_a_full_disk_is_a_problem_and_passes(tmp_path: Path) -> None:
    store = SqliteDocuments(tmp_path / "documents.db")
    await store.write(P, [Put("before", {})])

    def limit(pages: int) -> None:
        store._writer._connection.execute(f"PRAGMA max_page_count = {pages}")

    limit(1)  # raised to the present size, so that the next page is one too many
    large = {"text": "x" * 100_000}
    outcomes = await asyncio.gather(
        *(store.write(P, [Append(f"e{number}", large)]) for number in range(5)), return_exceptions=True
    )
    assert all(isinstance(outcome, ProblemError) for outcome in outcomes)
    assert all(o.problem.code is Code.PLATFORM_FAILED and o.problem.retryable for o in outcomes)  # type: ignore[union-attr]
    limit(1_000_000)
    assert (await store.write(P, [Append("e0", large)])).offsets == {"e0": 1}
    assert await store.get(P, "before") is not None
    await store.close()


async def test_one_failing_batch_spoils_no_other_of_its_group(store: SqliteDocuments) -> None:
    await store.write(P, [Put("taken", {})])
    outcomes = await asyncio.gather(
        *(
            store.write(P, [Append(f"e{number}", {}), Put(f"d{number}" if number % 3 else "taken", {}, if_absent=True)])
            for number in range(30)
        ),
        return_exceptions=True,
    )
    entries = await store.read_stream(P, 0)
    assert sum(isinstance(outcome, Exception) for outcome in outcomes) == 10
    assert {id for _, id, _ in entries} == {f"e{number}" for number in range(30) if number % 3}
    assert [offset for offset, _, _ in entries] == list(range(1, 21))


async def test_several_reads_see_one_state(store: SqliteDocuments, other: SqliteDocuments) -> None:
    """A document and an entry that change together are never read apart, though two statements read them."""

    async def write() -> None:
        for number in range(100):
            await store.write(P, [Append(f"e{number}", {}), Put("last", {"n": number})])

    writing = asyncio.create_task(write())
    while not writing.done():
        await asyncio.sleep(0)  # reading by id does not give way by itself
        ids = [f"e{number}" for number in range(100)]
        found = await other.get_many(P, ["last", *ids])
        last = found.pop("last").body["n"] if "last" in found else -1
        assert len(found) == last + 1
    await writing


async def test_a_file_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "documents.db"
    await SqliteDocuments(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(NewerSchema, match=f"schema version {SCHEMA_VERSION + 1}.* up to {SCHEMA_VERSION}"):
        SqliteDocuments(path)


async def test_what_is_no_database_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "documents.db"
    path.write_bytes(b"not a database, but long enough to look into" * 100)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        SqliteDocuments(path)


async def test_a_reading_failure_is_a_problem(tmp_path: Path) -> None:
    store = SqliteDocuments(tmp_path / "documents.db")
    await store.write(P, [Put("a", {})])
    connection = sqlite3.connect(tmp_path / "documents.db")
    connection.execute("DROP TABLE entries")
    connection.close()
    with pytest.raises(ProblemError) as caught:
        await store.get(P, "a")
    assert caught.value.problem.code is Code.PLATFORM_FAILED
    await store.close()


def test_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a file"):
        SqliteDocuments(":memory:")


async def test_fields_are_names(store: SqliteDocuments) -> None:
    with pytest.raises(ValueError, match="not a field"):
        await store.query(P, where={"a.b' OR": 1})


async def test_dropping_takes_few_rows_at_a_time(store: SqliteDocuments, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others who write wait for no more than one batch; and a drop that is cut off after any of them is completed."""
    await store.write(
        P, [operation for number in range(25) for operation in (Append(f"e{number}", {}), Put(f"d{number}", {}))]
    )
    monkeypatch.setattr(sqlite_writes, "DROPPED_AT_ONCE", 20)
    left = []
    more = True
    while more:
        more = await store._writer.submit(lambda writer: sqlite_writes.drop_some(writer, P))
        left.append(len(await store.read_stream(P, 0)) + len((await store.query(P))[0]))
    assert left == [30, 10, 0]
    await store.drop(P)


async def test_it_serves_several_loops(store: SqliteDocuments) -> None:
    """Sync functions of an app may each run a loop of their own."""

    def write_and_read(number: int) -> int:
        async def both() -> int:
            await store.write(P, [Append(f"e{number}", {})])
            return len(await store.read_stream(P, 0))

        return asyncio.run(both())

    counts = await asyncio.gather(*(asyncio.to_thread(write_and_read, number) for number in range(5)))
    assert max(counts) == 5
    await store.write(P, [Delete("absent")])
