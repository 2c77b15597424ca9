"""Documents on one SQLite file: for a laptop, tests, and any single machine. Several processes may share the file."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from domain.errors import ProblemError, platform_failed
from services.documents.base import (
    Append,
    Body,
    Conflict,
    Delete,
    Document,
    Operation,
    Put,
    Scalar,
    Written,
    decode_continuation,
    encode_continuation,
)
from services.documents.group_commit import GroupCommit
from services.documents.sqlite_file import open_reader, open_writer

T = TypeVar("T")
READERS = 4
_IDS_PER_QUERY = 400
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GET = "SELECT id, etag, body FROM documents WHERE partition = ? AND id IN ({ids})"
_GET_ENTRIES = "SELECT id, offset, body FROM entries WHERE partition = ? AND id IN ({ids})"


class SqliteDocuments:
    """A `DocumentStore`. Reads run on a few threads of their own, writes in groups on one."""

    def __init__(self, path: Path | str) -> None:
        if str(path) == ":memory:":
            raise ValueError("SqliteDocuments needs a file, because it reads and writes on connections of their own")
        self._path = Path(path)
        self._writer = GroupCommit(open_writer(self._path))
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="documents-reader")
        self._reader = threading.local()
        self._reader_connections: list[sqlite3.Connection] = []

    async def get(self, partition: str, id: str) -> Document | None:
        return (await self.get_many(partition, [id])).get(id)

    async def get_many(self, partition: str, ids: Sequence[str]) -> dict[str, Document]:
        return await self._read(lambda connection: _get_many(connection, partition, ids))

    async def query(
        self,
        partition: str,
        *,
        where: Mapping[str, Scalar] | None = None,
        descending: bool = False,
        continuation: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Document], str | None]:
        sql, values = _query(partition, where or {}, descending, continuation)
        rows = await self._read(lambda connection: connection.execute(sql, (*values, limit + 1)).fetchall())
        page = [Document(id, json.loads(body), etag) for id, etag, body in rows[:limit]]
        return page, encode_continuation(page[-1].id) if len(rows) > limit else None

    async def write(self, partition: str, operations: Sequence[Operation]) -> Written:
        texts = [None if isinstance(operation, Delete) else _dump(operation.body) for operation in operations]
        prepared = list(zip(operations, texts, strict=True))
        return await asyncio.wrap_future(self._writer.submit(lambda writer: _Batch(writer, partition).apply(prepared)))

    async def read_stream(self, partition: str, after: int, limit: int = 500) -> list[tuple[int, str, Body]]:
        sql = "SELECT offset, id, body FROM entries WHERE partition = ? AND offset > ? ORDER BY offset LIMIT ?"
        rows = await self._read(lambda connection: connection.execute(sql, (partition, after, limit)).fetchall())
        return [(offset, id, json.loads(body)) for offset, id, body in rows]

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._readers.shutdown()
        for connection in self._reader_connections:
            connection.close()
        self._reader_connections.clear()

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_here, query)

    def _read_here(self, query: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return query(self._connection_of_thread())
        except sqlite3.Error as error:
            raise ProblemError(platform_failed(f"The document store could not be read: {error}.")) from error

    def _connection_of_thread(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._reader, "connection", None)
        if connection is None:
            connection = self._reader.connection = open_reader(self._path)
            self._reader_connections.append(connection)
        return connection


class _Batch:
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
        return Written(self._etags, self._offsets, frozenset(self._appended))

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

    def _last_offset(self) -> int:
        sql = "SELECT COALESCE(MAX(offset), 0) FROM entries WHERE partition = ?"
        return int(self._writer.execute(sql, (self._partition,)).fetchone()[0])


def _get_many(connection: sqlite3.Connection, partition: str, ids: Sequence[str]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), _IDS_PER_QUERY):
        some = wanted[start : start + _IDS_PER_QUERY]
        marks = ", ".join("?" * len(some))
        for id, etag, body in connection.execute(_GET.format(ids=marks), (partition, *some)):
            found[id] = Document(id, json.loads(body), etag)
        for id, offset, body in connection.execute(_GET_ENTRIES.format(ids=marks), (partition, *some)):
            found[id] = Document(id, {**json.loads(body), "offset": offset}, str(offset))
    return found


def _query(
    partition: str, where: Mapping[str, Scalar], descending: bool, continuation: str | None
) -> tuple[str, list[Scalar]]:
    conditions, values = ["partition = ?"], list[Scalar]([partition])
    if continuation is not None:
        conditions.append("id < ?" if descending else "id > ?")
        values.append(decode_continuation(continuation))
    for field, wanted in where.items():
        condition, condition_values = _equals(field, wanted)
        conditions.append(condition)
        values.extend(condition_values)
    order = "DESC" if descending else "ASC"
    sql = f"SELECT id, etag, body FROM documents WHERE {' AND '.join(conditions)} ORDER BY id {order} LIMIT ?"  # noqa: S608 - only fixed texts
    return sql, values


def _equals(field: str, wanted: Scalar) -> tuple[str, list[Scalar]]:
    if not _FIELD.fullmatch(field):
        raise ValueError(f"{field!r} is not a field that documents are queried by")
    path = f"$.{field}"
    # SQLite reads JSON true as 1, so the type tells them apart.
    if isinstance(wanted, bool):
        return "json_type(body, ?) = ?", [path, "true" if wanted else "false"]
    kind = "text" if isinstance(wanted, str) else "integer"
    return "json_type(body, ?) = ? AND json_extract(body, ?) = ?", [path, kind, path, wanted]


def _dump(body: Body) -> str:
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8; escaped, it is kept as it came.
        return json.dumps(body, allow_nan=False, separators=(",", ":"))
    return text
