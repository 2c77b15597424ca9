"""What a batch of operations does to the SQLite tables."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence

from services.documents.base import (
    FLAG,
    STREAM,
    Append,
    Body,
    Conflict,
    Delete,
    Last,
    Operation,
    Put,
    Written,
    beginning_with,
)

DROPPED_AT_ONCE = 200
"""Rows of a partition that are removed in one transaction."""


class Batch:
    """One caller's operations, applied in order inside the writer's transaction."""

    def __init__(self, writer: sqlite3.Connection, partition: str) -> None:
        self._writer = writer
        self._partition = partition
        self._etags: dict[str, str] = {}
        self._offsets: dict[str, int] = {}
        self._appended: set[str] = set()

    def apply(self, prepared: Sequence[tuple[Operation, str | None]]) -> Written:
        for operation, text in prepared:
            match operation:
                case Put():
                    self._put(operation, text)
                case Delete():
                    self._delete(operation)
                case Append():
                    self._append(operation, text)
                case Last():
                    if self._last_offset() != operation.offset:
                        raise Conflict(STREAM)
        flags = self._flags() if self._offsets else frozenset[str]()
        return Written(self._etags, self._offsets, frozenset(self._appended), flags)

    def _put(self, put: Put, text: str | None) -> None:
        etag = self._etag_of(put.id)
        unexpected = (put.if_absent and etag is not None) or (put.if_match is not None and put.if_match != etag)
        if unexpected or self._offset_of(put.id) is not None:
            raise Conflict(put.id)
        self._etags[put.id] = secrets.token_hex(8)
        self._writer.execute(
            "INSERT INTO documents (partition, id, etag, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (partition, id) DO UPDATE SET etag = excluded.etag, body = excluded.body",
            (self._partition, put.id, self._etags[put.id], text),
        )

    def _delete(self, delete: Delete) -> None:
        etag = self._etag_of(delete.id)
        if (delete.if_match is not None and delete.if_match != etag) or self._offset_of(delete.id) is not None:
            raise Conflict(delete.id)
        self._writer.execute("DELETE FROM documents WHERE partition = ? AND id = ?", (self._partition, delete.id))

    def _append(self, append: Append, text: str | None) -> None:
        offset = self._offset_of(append.id)
        if offset is None:
            if self._etag_of(append.id) is not None:
                raise Conflict(append.id)
            offset = self._last_offset() + 1
            self._writer.execute(
                "INSERT INTO entries (partition, offset, id, body) VALUES (?, ?, ?, ?)",
                (self._partition, offset, append.id, text),
            )
            self._appended.add(append.id)
        self._offsets[append.id] = offset

    def _etag_of(self, id: str) -> str | None:
        sql = "SELECT etag FROM documents WHERE partition = ? AND id = ?"
        row = self._writer.execute(sql, (self._partition, id)).fetchone()
        return str(row[0]) if row else None

    def _offset_of(self, id: str) -> int | None:
        sql = "SELECT offset FROM entries WHERE partition = ? AND id = ?"
        row = self._writer.execute(sql, (self._partition, id)).fetchone()
        return int(row[0]) if row else None

    def _flags(self) -> frozenset[str]:
        sql = "SELECT id FROM documents WHERE partition = ? AND id >= ? AND id < ?"
        return frozenset(id for (id,) in self._writer.execute(sql, (self._partition, *beginning_with(FLAG))))

    def _last_offset(self) -> int:
        sql = "SELECT COALESCE(MAX(offset), 0) FROM entries WHERE partition = ?"
        return int(self._writer.execute(sql, (self._partition,)).fetchone()[0])


def drop_some(writer: sqlite3.Connection, partition: str) -> bool:
    """Remove some rows of the partition; whether there may be more. Few at a time: others are waiting to write."""
    removed = 0
    for table in ("documents", "entries"):
        some = f"SELECT rowid FROM {table} WHERE partition = ? LIMIT ?"  # noqa: S608
        found = writer.execute(
            f"DELETE FROM {table} WHERE rowid IN ({some})",  # noqa: S608
            (partition, DROPPED_AT_ONCE - removed),
        )
        removed += found.rowcount
    return removed == DROPPED_AT_ONCE


def dump(body: Body) -> str:
    """The body as it is stored. Raises `ValueError` for what JSON cannot say."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8; escaped, it is kept as it came.
        return json.dumps(body, allow_nan=False, separators=(",", ":"))
    return text
