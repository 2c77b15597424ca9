"""What a developer wants to see of the engine: read-only, in pages, and cheap beside the engine's own work.

The queries run on the engine thread, so each is bounded: it walks an index, or stops after a page.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol, TypeVar

from devhost.engine import inspection
from devhost.engine.inspection import CUT, TASK_COLUMNS, Payload, Row, Seen, rows_of
from devhost.ports import InstanceNotFound

T = TypeVar("T")
_PREVIEW = 300  # characters of a payload shown in a list
_STRETCH = 5_000  # instances that one look goes through when no index helps
_LAST = "\U0010ffff"  # sorts after whatever follows a prefix

_LIST = (
    "i.seq, i.id, i.name, i.status, i.created, i.updated, i.parent_id, "
    f"substr(i.custom_status, 1, {_PREVIEW}) AS custom_status, "
    f"CASE WHEN i.status IN ('Failed', 'Terminated') THEN substr(i.output, 1, {_PREVIEW}) END AS reason"
)


class Reader(Protocol):
    """Whatever runs a query on the state file while nobody writes to it."""

    def read(self, query: Callable[[sqlite3.Connection], T]) -> Awaitable[T]: ...


class InstanceFilter(NamedTuple):
    """Which instances to list. Empty means no restriction; `before` is the continuation of the page before."""

    status: str = ""
    name: str = ""
    id_prefix: str = ""
    roots: bool = False
    before: int | None = None
    top: int = 50


class Overview:
    """Asks an engine. `instance`, `payloads`, `payload` and `event` raise `InstanceNotFound`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def counts(self) -> Row:
        """How many instances have each status, and how much of each kind is waited for."""
        return await self._reader.read(_counts)

    async def instances(self, wanted: InstanceFilter) -> tuple[list[Row], int | None]:
        """One page, newest first, and the continuation of the next or None.

        What no index helps to find is looked for in a stretch of the newest only: such a page may be short, even empty,
        and yet have a continuation.
        """
        return await self._reader.read(lambda connection: _instances(connection, wanted))

    async def pending(self, top: int = 100) -> Row:
        """What the engine waits for: of each kind the first `top`, timers by when they are due."""
        return await self._reader.read(lambda connection: _pending(connection, top))

    async def instance(self, instance_id: str, seen: Seen) -> Row:
        """The instance without its payloads, what it waits for, and the events that `seen` lacks.

        `events` holds JSON texts from number `first` on: 0 when what was seen is not the history any more. A long
        history comes in parts: `total` says how many events there are.
        """
        return await self._reader.read(lambda connection: inspection.instance(connection, instance_id, seen))

    async def payloads(self, instance_id: str) -> Row:
        """Of each payload its JSON `text`, cut when long, and the `length` of the whole in characters."""
        return await self._reader.read(lambda connection: inspection.payloads(connection, instance_id))

    async def payload(self, instance_id: str, name: Payload) -> str:
        """One payload, all of it."""
        sql = f"SELECT {name} FROM instances WHERE id = ?"  # noqa: S608 - one of three words
        return await self._text(sql, instance_id)

    async def event(self, instance_id: str, number: int) -> str:
        """One event of the history as JSON text, all of it."""
        return await self._text("SELECT json FROM history WHERE instance_id = ? AND n = ?", instance_id, number)

    async def entities(
        self, name: str, key_prefix: str = "", after: str | None = None, top: int = 50
    ) -> tuple[list[Row], bool]:
        """One page of the entities of a name in the order of their keys, those after key `after`; is there more?"""
        rows = await self._reader.read(lambda connection: _entities(connection, name, key_prefix, after, top + 1))
        return rows[:top], len(rows) > top

    async def entity_names(self) -> list[str]:
        """The names of which entities exist."""
        return await self._reader.read(_entity_names)

    async def _text(self, sql: str, *values: object) -> str:
        row = await self._reader.read(lambda connection: connection.execute(sql, values).fetchone())
        if row is None:
            raise InstanceNotFound("there is no such instance or event any more")
        return row[0] or ""


def _counts(connection: sqlite3.Connection) -> Row:
    def pairs(sql: str) -> dict[str, int]:
        return dict(connection.execute(sql).fetchall())

    return {
        "statuses": pairs("SELECT status, count(*) FROM instances GROUP BY status"),
        "tasks": pairs("SELECT kind, count(*) FROM tasks WHERE answered = 0 GROUP BY kind"),
        "waits": connection.execute("SELECT ifnull(sum(unanswered), 0) FROM waits").fetchone()[0],
        "operations": connection.execute("SELECT count(*) FROM operations").fetchone()[0],
    }


def _instances(connection: sqlite3.Connection, wanted: InstanceFilter) -> tuple[list[Row], int | None]:
    conditions: list[str] = ["1"]
    values: list[object] = []

    def demand(condition: str, *demanded: object) -> None:
        conditions.append(condition)
        values.extend(demanded)

    floor = 0
    if wanted.before is not None:
        demand("seq < ?", wanted.before)
    if wanted.status:
        demand("status = ?", wanted.status)
    if wanted.id_prefix:
        demand("id >= ? AND id < ?", wanted.id_prefix, wanted.id_prefix + _LAST)
    if wanted.name or wanted.roots:
        newest = connection.execute("SELECT ifnull(max(seq), 0) + 1 FROM instances").fetchone()[0]
        floor = max(0, (wanted.before or newest) - _STRETCH)
        demand("seq >= ? AND instr(lower(name), lower(?))", floor, wanted.name)
    if wanted.roots:
        demand("parent_id IS NULL")
    # The page is chosen by number first: sorting whole rows would drag their payloads along.
    page = f"SELECT seq FROM instances WHERE {' AND '.join(conditions)} ORDER BY seq DESC LIMIT ?"  # noqa: S608
    sql = f"SELECT {_LIST} FROM instances i WHERE i.seq IN ({page}) ORDER BY i.seq DESC"  # noqa: S608 - our own texts
    rows = rows_of(connection, sql, *values, wanted.top + 1)
    if len(rows) > wanted.top:
        return rows[: wanted.top], rows[wanted.top - 1]["seq"]
    return rows, floor or None


def _pending(connection: sqlite3.Connection, top: int) -> Row:
    def tasks(kinds: str, order: str) -> list[Row]:
        return rows_of(
            connection,
            f"SELECT {TASK_COLUMNS}, i.name AS instance_name, i.status, i.updated FROM tasks t "  # noqa: S608 - our own texts
            f"JOIN instances i ON i.id = t.instance_id WHERE t.seq IN (SELECT seq FROM tasks WHERE answered = 0 "
            f"AND kind IN ({kinds}) ORDER BY {order} LIMIT ?) ORDER BY t.{order}",
            top,
        )

    return {
        "calls": tasks("'activity', 'http'", "seq"),
        "timers": tasks("'timer', 'retry'", "fire_at"),
        "subs": tasks("'sub'", "seq"),
        "entity_calls": tasks("'entity'", "seq"),
        "waits": rows_of(
            connection,
            "SELECT w.instance_id, w.name, w.unanswered, i.name AS instance_name, i.status, i.updated FROM waits w "
            "JOIN instances i ON i.id = w.instance_id WHERE w.unanswered > 0 LIMIT ?",
            top,
        ),
        "early": rows_of(
            connection,
            "SELECT m.instance_id, m.name, i.name AS instance_name, i.status, i.updated FROM inbox m "
            "JOIN instances i ON i.id = m.instance_id WHERE m.kind = 'event' LIMIT ?",
            top,
        ),
        "operations": rows_of(
            connection,
            "SELECT entity_name, entity_key, count(*) AS waiting FROM operations GROUP BY 1, 2 LIMIT ?",
            top,
        ),
    }


def _entities(connection: sqlite3.Connection, name: str, key_prefix: str, after: str | None, limit: int) -> list[Row]:
    # The smallest key is the empty one, which is after nothing.
    start = "key >= ?" if after is None else "key > ?"
    return rows_of(
        connection,
        f"SELECT key, substr(state, 1, {CUT}) AS state, length(state) AS length, updated, "  # noqa: S608
        "(SELECT count(*) FROM operations WHERE entity_name = name AND entity_key = key) AS waiting FROM entities "
        f"WHERE name = ? AND {start} AND key < ? ORDER BY key LIMIT ?",
        *(name, key_prefix if after is None else after, key_prefix + _LAST, limit),
    )


def _entity_names(connection: sqlite3.Connection) -> list[str]:
    """Leaps from name to name: the table itself may hold many and large states."""
    rows = connection.execute(
        "WITH RECURSIVE names (name) AS (SELECT min(name) FROM entities UNION ALL "
        "SELECT (SELECT min(name) FROM entities WHERE name > names.name) FROM names WHERE names.name IS NOT NULL) "
        "SELECT name FROM names WHERE name IS NOT NULL"
    )
    return [row[0] for row in rows]
