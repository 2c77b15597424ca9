"""The state file's SQL for entities and the operations that wait for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from devhost.engine.records import EntityId, Operation, TaskKey


class EntityStore:
    """Reads and writes of the engine thread, inside the transaction that the loop opened."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute

    def state(self, entity: EntityId) -> str | None:
        """State as JSON text, None when the entity does not exist."""
        row = self._execute("SELECT state FROM entities WHERE name = ? AND key = ?", entity).fetchone()
        return None if row is None else str(row[0])

    def save(self, entity: EntityId, state: str, now: str) -> None:
        self._execute("INSERT OR REPLACE INTO entities VALUES (?, ?, ?, ?)", (*entity, state, now))

    def delete(self, entity: EntityId) -> None:
        self._execute("DELETE FROM entities WHERE name = ? AND key = ?", entity)

    def existing(self, name: str | None, top: int) -> list[tuple[str, str, str, str]]:
        """Name, key, state and time of change of existing entities, in the order of their ids."""
        return self._execute(
            "SELECT name, key, state, updated FROM entities WHERE ? IS NULL OR name = ? ORDER BY name, key LIMIT ?",
            (name, name, top),
        ).fetchall()

    def add_operation(self, entity: EntityId, operation: str, input_text: str | None, caller: TaskKey | None) -> None:
        self._execute(
            "INSERT INTO operations (entity_name, entity_key, operation, input, caller_id, caller_execution_id, "
            "caller_task_id, starts) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
            (*entity, operation, input_text, *(caller or (None, None, None))),
        )

    def operations(self, entity: EntityId, limit: int) -> list[Operation]:
        """The oldest waiting operations."""
        rows = self._execute(
            "SELECT id, operation, input, caller_id, caller_execution_id, caller_task_id, starts FROM operations "
            "WHERE entity_name = ? AND entity_key = ? ORDER BY id LIMIT ?",
            (*entity, limit),
        )
        return [
            Operation(row[0], row[1], row[2], None if row[3] is None else TaskKey(*row[3:6]), row[6]) for row in rows
        ]

    def count_starts(self, ids: Iterable[int], step: int = 1) -> None:
        self._connection.executemany(
            "UPDATE operations SET starts = starts + ? WHERE id = ?", [(step, operation_id) for operation_id in ids]
        )

    def delete_operations(self, ids: Iterable[int]) -> None:
        self._connection.executemany("DELETE FROM operations WHERE id = ?", [(operation_id,) for operation_id in ids])

    def waiting_entities(self) -> list[EntityId]:
        rows = self._execute("SELECT entity_name, entity_key FROM operations GROUP BY 1, 2 ORDER BY min(id)")
        return [EntityId(*row) for row in rows]
