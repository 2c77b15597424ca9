"""Documents on one SQLite file: for a laptop, tests, and any single machine. Several processes may share the file."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from domain.errors import ProblemError, platform_failed
from services.documents.base import Append, Body, Document, Operation, Put, Scalar, Written, check_batch
from services.documents.group_commit import GroupCommit
from services.documents.sqlite_file import open_reader, open_writer
from services.documents.sqlite_reads import PageQuery, get_many, read_stream
from services.documents.sqlite_writes import Batch, drop_some, dump

T = TypeVar("T")
READERS = 4


class SqliteDocuments:
    """A `DocumentStore`. Writes run in groups on a thread of their own, and reads of many rows on a few others."""

    is_near = True

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
        # Here and now: looking up a few keys takes less time than handing it to a thread, and waits for nobody.
        return self._read_here(lambda connection: get_many(connection, partition, ids))

    async def query(
        self,
        partition: str,
        *,
        where: Mapping[str, Scalar] | None = None,
        between: tuple[str, str] | None = None,
        descending: bool = False,
        continuation: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Document], str | None]:
        return await self._read(PageQuery(partition, where or {}, between, descending, continuation, limit).run)

    async def write(self, partition: str, operations: Sequence[Operation], *, patient: bool = False) -> Written:
        texts = [dump(operation.body) if isinstance(operation, Put | Append) else None for operation in operations]
        check_batch(len(operations), sum(len(text.encode()) for text in texts if text is not None))
        prepared = list(zip(operations, texts, strict=True))
        return await self._writer.submit(lambda writer: Batch(writer, partition).apply(prepared), patient=patient)

    async def read_stream(self, partition: str, after: int, limit: int = 500) -> list[tuple[int, str, Body]]:
        return await self._read(lambda connection: read_stream(connection, partition, after, limit))

    async def drop(self, partition: str) -> None:
        while await self._writer.submit(lambda writer: drop_some(writer, partition)):
            pass

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
            connection = self._connection_of_thread()
            # A transaction, so that several statements see one state.
            connection.execute("BEGIN")
            try:
                return query(connection)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise ProblemError(platform_failed(f"The document store could not be read: {error}.")) from error

    def _connection_of_thread(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._reader, "connection", None)
        if connection is None:
            connection = self._reader.connection = open_reader(self._path)
            self._reader_connections.append(connection)
        return connection
