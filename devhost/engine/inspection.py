"""The queries behind the page of one instance. Each is bounded, and a history comes in parts."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Literal, NamedTuple, get_args

from devhost.engine.actions import ActionKind
from devhost.ports import InstanceNotFound

Row = dict[str, Any]
"""One row by the names of its columns, ready for JSON."""

Payload = Literal["input", "output", "custom_status"]
PAYLOADS: tuple[Payload, ...] = get_args(Payload)

CUT = 4_000
"""Characters of a payload given before all of it is asked for."""

TASK_COLUMNS = "t.instance_id, t.id, t.kind, t.name, t.fire_at, t.starts, t.attempt, t.retry_max, t.child_id"

_CHUNK_EVENTS = 2_000
_CHUNK_CHARACTERS = 1_000_000
_OPEN_TASKS = 500


class Seen(NamedTuple):
    """What a caller has of a history: its first `events` events, the last of them with this timestamp.

    `updated` is that of the instance then.
    """

    events: int = 0
    timestamp: str = ""
    updated: str = ""


def instance(connection: sqlite3.Connection, instance_id: str, seen: Seen) -> Row:
    """What `Overview.instance` gives."""
    found = rows_of(
        connection,
        "SELECT i.id, i.name, i.version, i.status, i.created, i.updated, i.execution_id, i.parent_id, i.events, "
        "i.ended_turn IS NOT NULL AS returned, p.name AS parent_name, p.status AS parent_status "
        "FROM instances i LEFT JOIN instances p ON p.id = i.parent_id WHERE i.id = ?",
        instance_id,
    )
    if not found:
        raise InstanceNotFound(f"there is no instance with the id '{instance_id}'")
    row = found[0]
    is_still = row["updated"] == seen.updated or _is_still(connection, instance_id, seen)
    first = seen.events if is_still else 0
    events = _events(connection, instance_id, first)
    return {
        "instance": row,
        "total": row.pop("events"),
        "first": first,
        "events": events,
        "wait_actions": rows_of(
            connection,
            "SELECT name, turn FROM actions WHERE instance_id = ? AND kind = ? AND turn >= ? AND turn < ? ORDER BY n",
            *(instance_id, ActionKind.WAIT_FOR_EXTERNAL_EVENT, first, first + len(events)),
        ),
        "open": rows_of(
            connection,
            f"SELECT {TASK_COLUMNS} FROM tasks t WHERE t.instance_id = ? AND t.answered = 0 ORDER BY t.id LIMIT ?",  # noqa: S608
            *(instance_id, _OPEN_TASKS),
        ),
        "waits": rows_of(
            connection,
            "SELECT name, unanswered FROM waits WHERE instance_id = ? AND unanswered > 0 LIMIT ?",
            *(instance_id, _OPEN_TASKS),
        ),
        "early": rows_of(
            connection,
            "SELECT name, count(*) AS waiting FROM inbox WHERE instance_id = ? AND kind = 'event' GROUP BY 1 LIMIT ?",
            *(instance_id, _OPEN_TASKS),
        ),
    }


def _is_still(connection: sqlite3.Connection, instance_id: str, seen: Seen) -> bool:
    """Histories only grow, but a rewind cuts them and a new generation starts over: both at a later time."""
    sql = "SELECT json FROM history WHERE instance_id = ? AND n = ?"
    row = connection.execute(sql, (instance_id, seen.events - 1)).fetchone()
    return row is not None and json.loads(row[0])["Timestamp"] == seen.timestamp


def _events(connection: sqlite3.Connection, instance_id: str, first: int) -> list[str]:
    texts: list[str] = []
    room = _CHUNK_CHARACTERS
    cursor = connection.execute(
        "SELECT json FROM history WHERE instance_id = ? AND n >= ? ORDER BY n LIMIT ?",
        (instance_id, first, _CHUNK_EVENTS),
    )
    for (text,) in cursor:
        texts.append(text)
        room -= len(text)
        if room <= 0:
            break
    return texts


def payloads(connection: sqlite3.Connection, instance_id: str) -> Row:
    """What `Overview.payloads` gives."""
    columns = ", ".join(f"substr({name}, 1, {CUT}) AS {name}, length({name})" for name in PAYLOADS)
    sql = f"SELECT {columns} FROM instances WHERE id = ?"  # noqa: S608 - our own texts
    row = connection.execute(sql, (instance_id,)).fetchone()
    if row is None:
        raise InstanceNotFound(f"there is no instance with the id '{instance_id}'")
    return {name: {"text": row[2 * i], "length": row[2 * i + 1]} for i, name in enumerate(PAYLOADS)}


def rows_of(connection: sqlite3.Connection, sql: str, *values: object) -> list[Row]:
    """The rows that a query gives."""
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
