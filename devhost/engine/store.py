"""The state file's SQL for instances, their histories, inboxes and tasks. No decisions are made here.

One connection, owned by the engine thread; every call happens inside the transaction that the loop opened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from devhost.engine.history import Event
from devhost.engine.records import (
    ActionRecord,
    Instance,
    Message,
    MessageKind,
    Retry,
    Task,
    TaskKey,
)

_INSTANCE = (
    "id, name, version, execution_id, status, input, output, custom_status, custom_inherited, created, updated, "
    "parent_id, parent_execution_id, parent_task_id, events, next_id, last_turn, ended_turn"
)
_TASK = (
    "instance_id, execution_id, id, kind, name, input, version, child_id, fire_at, request_id, target, "
    "retry_interval, retry_max, attempt, starts"
)
_UNANSWERED = "instance_id = ? AND execution_id = ? AND id = ? AND answered = 0"
_OWNED_TABLES = ("history", "actions", "waits", "inbox", "tasks")


class Store:
    """Reads and writes of the engine thread. `connection` is shared with the other `*_store` modules."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._execute = connection.execute

    # transactions

    def begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._execute("COMMIT")

    def rollback(self) -> None:
        if self.connection.in_transaction:
            self._execute("ROLLBACK")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block wrote when it raises, without giving up the rest of the transaction."""
        self._execute("SAVEPOINT one")
        try:
            yield
        except BaseException:
            if self.connection.in_transaction:  # SQLite has undone all of it by itself when the disk is full, say
                self._execute("ROLLBACK TO one")
                self._execute("RELEASE one")
            raise
        self._execute("RELEASE one")

    # instances

    def instance(self, instance_id: str) -> Instance | None:
        row = self._execute(f"SELECT {_INSTANCE} FROM instances WHERE id = ?", (instance_id,)).fetchone()  # noqa: S608
        return row and instance_of(row)

    def insert_instance(self, instance: Instance) -> None:
        marks = ", ".join("?" * 18)
        self._execute(f"INSERT INTO instances ({_INSTANCE}) VALUES ({marks})", _instance_row(instance))  # noqa: S608

    def save_instance(self, instance: Instance) -> None:
        columns = ", ".join(f"{column} = ?" for column in _INSTANCE.split(", "))
        self._execute(f"UPDATE instances SET {columns} WHERE id = ?", (*_instance_row(instance), instance.id))  # noqa: S608

    def delete_instance(self, instance_id: str) -> None:
        self._execute("DELETE FROM instances WHERE id = ?", (instance_id,))
        for table in _OWNED_TABLES:
            self._execute(f"DELETE FROM {table} WHERE instance_id = ?", (instance_id,))  # noqa: S608

    def instances_to_resume(self) -> list[str]:
        """Ids of the instances that may have a turn to take: never started, or with something in the inbox."""
        rows = self._execute(
            "SELECT id FROM instances WHERE status IN ('Pending', 'Running') AND "
            "(events = 0 OR EXISTS (SELECT 1 FROM inbox WHERE instance_id = instances.id)) ORDER BY seq"
        )
        return [row[0] for row in rows]

    # history and actions

    def append_history(self, instance_id: str, start: int, events: Sequence[Event]) -> None:
        rows = [(instance_id, start + i, int(event.type), event.text) for i, event in enumerate(events)]
        self.connection.executemany("INSERT INTO history VALUES (?, ?, ?, ?)", rows)

    def history(self, instance_id: str) -> list[tuple[int, str]]:
        """Type and JSON text of every event, in order."""
        rows = self._execute("SELECT type, json FROM history WHERE instance_id = ? ORDER BY n", (instance_id,))
        return rows.fetchall()

    def append_actions(self, instance_id: str, start: int, actions: Sequence[ActionRecord]) -> None:
        rows = [(instance_id, start + i, a.kind, a.name, a.event_id, a.turn) for i, a in enumerate(actions)]
        self.connection.executemany("INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?)", rows)

    def actions(self, instance_id: str) -> list[ActionRecord]:
        rows = self._execute(
            "SELECT kind, name, event_id, turn FROM actions WHERE instance_id = ? ORDER BY n", (instance_id,)
        )
        return [ActionRecord(*row) for row in rows]

    def clear_generation(self, instance_id: str, *, keep_history: bool, keep_events: bool) -> None:
        """Forget what belongs to the current generation: its tasks, waits and task messages."""
        self._execute("DELETE FROM tasks WHERE instance_id = ?", (instance_id,))
        self._execute("DELETE FROM waits WHERE instance_id = ?", (instance_id,))
        kept = " AND kind <> 'event'" if keep_events else ""
        self._execute(f"DELETE FROM inbox WHERE instance_id = ?{kept}", (instance_id,))  # noqa: S608
        if not keep_history:
            self._execute("DELETE FROM history WHERE instance_id = ?", (instance_id,))
            self._execute("DELETE FROM actions WHERE instance_id = ?", (instance_id,))

    def cut_generation(self, instance_id: str, length: int) -> None:
        """Keep the first `length` events and the actions of their turns; forget tasks, waits and messages."""
        self.clear_generation(instance_id, keep_history=True, keep_events=False)
        self._execute("DELETE FROM history WHERE instance_id = ? AND n >= ?", (instance_id, length))
        self._execute("DELETE FROM actions WHERE instance_id = ? AND turn >= ?", (instance_id, length))

    # external events waited for

    def add_waits(self, instance_id: str, name: str, count: int) -> None:
        self._execute(
            "INSERT INTO waits VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET unanswered = unanswered + excluded.unanswered",
            (instance_id, name, count),
        )

    def unanswered_waits(self, instance_id: str) -> set[str]:
        rows = self._execute("SELECT name FROM waits WHERE instance_id = ? AND unanswered > 0", (instance_id,))
        return {row[0] for row in rows}

    # inbox

    def post(
        self, instance_id: str, kind: MessageKind, *, task_id: int | None, name: str | None, payload: str | None
    ) -> None:
        self._execute(
            "INSERT INTO inbox (instance_id, kind, task_id, name, payload) VALUES (?, ?, ?, ?, ?)",
            (instance_id, kind, task_id, name, payload),
        )

    def messages(self, instance_id: str) -> list[Message]:
        rows = self._execute(
            "SELECT id, kind, task_id, name, payload FROM inbox WHERE instance_id = ? ORDER BY id", (instance_id,)
        )
        return [Message(*row) for row in rows]

    def delete_messages(self, ids: Iterable[int]) -> None:
        self.connection.executemany("DELETE FROM inbox WHERE id = ?", [(message_id,) for message_id in ids])

    # open tasks

    def open_task(self, task: Task) -> None:
        retry = (task.retry.interval_ms, task.retry.max_attempts, task.retry.attempt) if task.retry else (None, None, 1)
        self._execute(
            f"INSERT INTO tasks ({_TASK}, answered) VALUES ({', '.join('?' * 15)}, 0)",  # noqa: S608
            (
                *task.key,
                task.kind,
                task.name,
                task.input,
                task.version,
                task.child_id,
                task.fire_at,
                task.request_id,
                task.target,
                *retry,
                task.starts,
            ),
        )

    def close_task(self, instance_id: str, task_id: int) -> Task | None:
        """Delete an open task and return it."""
        row = self._execute(
            f"DELETE FROM tasks WHERE instance_id = ? AND id = ? RETURNING {_TASK}",  # noqa: S608
            (instance_id, task_id),
        ).fetchone()
        return row and _task_of(row)

    def answer_task(self, key: TaskKey) -> bool:
        """Mark a task as answered; False when it is not open, belongs to an older generation or was answered before."""
        cursor = self._execute(
            f"UPDATE tasks SET answered = 1 WHERE {_UNANSWERED}",  # noqa: S608
            key,
        )
        return cursor.rowcount == 1

    def start_task(self, key: TaskKey) -> Task | None:
        """Count one start of an unanswered task and return it, this start counted."""
        row = self._execute(
            f"UPDATE tasks SET starts = starts + 1 WHERE {_UNANSWERED} RETURNING {_TASK}",  # noqa: S608
            key,
        ).fetchone()
        return row and _task_of(row)

    def take_back_start(self, key: TaskKey) -> None:
        """Undo `start_task`: the start was cut short by us and says nothing about the task."""
        self._execute("UPDATE tasks SET starts = starts - 1 WHERE instance_id = ? AND execution_id = ? AND id = ?", key)

    def unanswered_tasks(self, *kinds: str) -> list[Task]:
        """Tasks of the given kinds that still wait for their answer, oldest first."""
        marks = ", ".join("?" * len(kinds))
        rows = self._execute(
            f"SELECT {_TASK} FROM tasks WHERE answered = 0 AND kind IN ({marks}) ORDER BY seq",  # noqa: S608
            kinds,
        )
        return [_task_of(row) for row in rows]

    def blocking_tasks(self, instance_id: str) -> list[Task]:
        """Open tasks that keep an instance from ending. An entity's reply does not."""
        rows = self._execute(
            f"SELECT {_TASK} FROM tasks WHERE instance_id = ? AND kind <> 'entity' ORDER BY id",  # noqa: S608
            (instance_id,),
        )
        return [_task_of(row) for row in rows]


def instance_of(row: Sequence[Any]) -> Instance:
    """The instance of a row holding the columns of `instances` in their order, without `seq`."""
    parent = TaskKey(row[11], row[12], row[13]) if row[11] is not None else None
    return Instance(*(*row[:8], bool(row[8]), row[9], row[10], parent, *row[14:]))


def _instance_row(instance: Instance) -> tuple[object, ...]:
    parent = instance.parent or (None, None, None)
    return (
        instance.id,
        instance.name,
        instance.version,
        instance.execution_id,
        instance.status,
        instance.input,
        instance.output,
        instance.custom_status,
        int(instance.custom_inherited),
        instance.created,
        instance.updated,
        *parent,
        instance.events,
        instance.next_id,
        instance.last_turn,
        instance.ended_turn,
    )


def _task_of(row: Sequence[Any]) -> Task:
    retry = Retry(row[11], row[12], row[13]) if row[11] is not None else None
    key = TaskKey(row[0], row[1], row[2])
    return Task(
        key=key,
        kind=row[3],
        name=row[4],
        input=row[5],
        version=row[6],
        child_id=row[7],
        fire_at=row[8],
        request_id=row[9],
        target=row[10],
        retry=retry,
        starts=cast(int, row[14]),
    )
