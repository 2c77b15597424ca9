"""The page's questions to a state file with ten thousand of everything: right, and cheap by SQLite's own count."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from devhost.engine.database import open_database
from devhost.engine.inspection import Seen
from devhost.engine.overview import InstanceFilter, Overview
from devhost.ports import InstanceNotFound

MANY = 10_000
STEPS = 100  # of SQLite's virtual machine, between two ticks
T = TypeVar("T")


class CountingReader:
    """Runs queries on a connection and counts the steps that SQLite takes for them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.steps = 0
        connection.set_progress_handler(self._tick, STEPS)

    def _tick(self) -> None:
        self.steps += STEPS

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        return query(self.connection)


def _time(number: int) -> str:
    return f"2026-01-01T00:00:00.{number:06}Z"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """Instance `id-00000` has a long history; every other one is a child, two of three are of `chain`."""
    connection = open_database(tmp_path_factory.mktemp("crowded") / "state.db")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    numbers = range(MANY)
    connection.executemany(
        "INSERT INTO instances (id, name, execution_id, status, input, custom_inherited, created, updated, parent_id, "
        "events, next_id, last_turn) VALUES (?, ?, 'e', ?, ?, 0, ?, ?, ?, ?, 1, ?)",
        [
            (
                *(f"id-{n:05}", "chain" if n % 3 else "Fan", "Completed" if n % 2 else "Running", '"input"'),
                *(_time(n), _time(n), "p" if n % 2 else None, 0 if n else MANY, _time(n)),
            )
            for n in numbers
        ],
    )
    connection.executemany(
        "INSERT INTO tasks (instance_id, id, execution_id, kind, name, fire_at, attempt, starts, answered) "
        "VALUES (?, 0, 'e', ?, 'n', ?, 1, 0, 0)",
        [(f"id-{n:05}", "timer" if n % 2 else "activity", _time(MANY - n)) for n in numbers],
    )
    connection.executemany("INSERT INTO waits VALUES (?, 'go', 1)", [(f"id-{n:05}",) for n in numbers])
    connection.executemany(
        "INSERT INTO operations (entity_name, entity_key, operation, starts) VALUES ('n1', ?, 'op', 0)",
        [(f"k{n:05}",) for n in numbers],
    )
    connection.executemany(
        "INSERT INTO entities VALUES (?, ?, '1', ?)", [(f"n{n % 5}", f"k{n:05}", _time(n)) for n in numbers]
    )
    connection.executemany(
        "INSERT INTO history VALUES ('id-00000', ?, 4, ?)",
        [(n, json.dumps({"EventType": 4, "EventId": n, "Timestamp": _time(n)})) for n in numbers],
    )
    connection.execute("COMMIT")
    yield connection
    connection.close()


@pytest.fixture
def reader(crowded: sqlite3.Connection) -> CountingReader:
    return CountingReader(crowded)


@pytest.mark.parametrize(
    ("wanted", "first", "found", "steps"),
    [
        (InstanceFilter(), "id-09999", 50, 3_000),
        (InstanceFilter(before=101), "id-00099", 50, 3_000),
        (InstanceFilter(status="Running"), "id-09998", 50, 3_000),
        (InstanceFilter(status="Failed"), None, 0, 500),
        (InstanceFilter(name="CHAI"), "id-09998", 50, 5_000),
        (InstanceFilter(roots=True), "id-09998", 50, 5_000),
        (InstanceFilter(name="nonesuch"), None, 0, 50_000),
        (InstanceFilter(id_prefix="id-0004"), "id-00049", 10, 3_000),
        (InstanceFilter(id_prefix="id-"), "id-09999", 50, 120_000),
    ],
)
async def test_a_page_of_instances(
    reader: CountingReader, wanted: InstanceFilter, first: str | None, found: int, steps: int
) -> None:
    rows, _ = await Overview(reader).instances(wanted)
    assert [rows[0]["id"] if rows else None, len(rows)] == [first, found]
    assert reader.steps <= steps


async def test_pages_lead_to_every_instance_once(reader: CountingReader) -> None:
    seen: list[int] = []
    wanted = InstanceFilter(name="fan", roots=True, top=400)
    while True:
        rows, older = await Overview(reader).instances(wanted)
        seen += [row["seq"] for row in rows]
        if older is None:
            break
        wanted = wanted._replace(before=older)
    assert seen == sorted((n + 1 for n in range(0, MANY, 6)), reverse=True)


async def test_counts_and_pending_work(reader: CountingReader) -> None:
    overview = Overview(reader)
    counts = await overview.counts()
    assert counts == {
        "statuses": {"Completed": MANY // 2, "Running": MANY // 2},
        "tasks": {"activity": MANY // 2, "timer": MANY // 2},
        "waits": MANY,
        "operations": MANY,
    }
    assert reader.steps <= 250_000
    reader.steps = 0
    pending = await overview.pending(10)
    assert [row["instance_id"] for row in pending["timers"][:2]] == ["id-09999", "id-09997"]  # the first due
    assert {name: len(rows) for name, rows in pending.items()} == {
        **{"calls": 10, "timers": 10, "waits": 10, "operations": 10},
        **{"subs": 0, "entity_calls": 0, "early": 0},
    }
    assert reader.steps <= 80_000


async def test_a_long_history_comes_in_parts_and_then_only_what_is_new(reader: CountingReader) -> None:
    overview = Overview(reader)
    part = await overview.instance("id-00000", Seen())
    assert (part["total"], part["first"], len(part["events"])) == (MANY, 0, 2_000)
    following = await overview.instance("id-00000", Seen(2_000, _time(1_999)))
    assert json.loads(following["events"][0])["EventId"] == 2_000
    reader.steps = 0
    nothing_new = await overview.instance("id-00000", Seen(MANY, _time(MANY - 1)))
    assert (nothing_new["first"], nothing_new["events"]) == (MANY, [])
    assert reader.steps <= 1_000
    unchanged = await overview.instance("id-00000", Seen(500, updated=_time(0)))
    assert unchanged["first"] == 500  # without a look at the last event, which may be large
    another = await overview.instance("id-00000", Seen(500, "another history's time"))
    assert another["first"] == 0


async def test_entities_come_in_pages_the_empty_key_first(reader: CountingReader) -> None:
    overview = Overview(reader)
    with reader.connection:
        reader.connection.execute("INSERT INTO entities VALUES ('n1', '', '0', ?)", (_time(0),))
    try:
        rows, more = await overview.entities("n1", top=3)
        assert ([row["key"] for row in rows], more) == (["", "k00001", "k00006"], True)
        rows, more = await overview.entities("n1", after="k09991", top=3)
        assert ([(row["key"], row["waiting"]) for row in rows], more) == ([("k09996", 1)], False)
        assert await overview.entity_names() == ["n0", "n1", "n2", "n3", "n4"]
        assert reader.steps <= 3_000
    finally:
        reader.connection.execute("DELETE FROM entities WHERE key = ''")


async def test_what_is_not_there_is_said_so(reader: CountingReader) -> None:
    overview = Overview(reader)
    with pytest.raises(InstanceNotFound):
        await overview.instance("nobody", Seen())
    with pytest.raises(InstanceNotFound):
        await overview.payloads("nobody")
    with pytest.raises(InstanceNotFound):
        await overview.payload("nobody", "input")
    with pytest.raises(InstanceNotFound):
        await overview.event("id-00000", MANY)


async def test_events_with_large_texts_come_a_few_at_a_time(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "state.db")
    connection.execute(
        "INSERT INTO instances (id, name, execution_id, status, custom_inherited, created, updated, events, next_id, "
        "last_turn) VALUES ('i', 'n', 'e', 'Running', 0, :time, :time, 9, 9, :time)",
        {"time": _time(0)},
    )
    large = json.dumps({"Timestamp": _time(0), "Result": "x" * 400_000})
    connection.executemany("INSERT INTO history VALUES ('i', ?, 5, ?)", [(n, large) for n in range(9)])
    part = await Overview(CountingReader(connection)).instance("i", Seen())
    connection.close()
    assert (len(part["events"]), part["total"]) == (3, 9)
