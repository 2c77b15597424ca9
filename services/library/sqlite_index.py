"""Passages in one SQLite file: words by its full-text index, meaning by looking at every vector of the collection.

Looking at all of them is exact, and quick enough for what one machine holds (20,000 passages: 90 ms, on a busy one).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TypeVar

from domain.errors import ProblemError, platform_failed
from services.documents.sqlite_file import connect, prepare, use_write_ahead_log
from services.library.index import DEEP, Hit, Passage, Sought, Source, fused

T = TypeVar("T")
SCHEMA_VERSION = 1
_MOST_WORDS = 64
_TABLES = """
CREATE TABLE heads (
    tenant TEXT NOT NULL, collection TEXT NOT NULL, document TEXT NOT NULL, upload TEXT NOT NULL,
    PRIMARY KEY (tenant, collection, document)
) WITHOUT ROWID;
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, collection TEXT NOT NULL, document TEXT NOT NULL,
    number INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER,
    scope TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX passages_by_document ON passages (tenant, collection, document);
CREATE TABLE vectors (
    tenant TEXT NOT NULL, collection TEXT NOT NULL, document TEXT NOT NULL,
    space TEXT NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, vectors BLOB NOT NULL,
    PRIMARY KEY (tenant, collection, document)
);
CREATE VIRTUAL TABLE words USING fts5(
    scope, title, text, content = passages, content_rowid = id, tokenize = 'porter unicode61 remove_diacritics 2'
);
"""


class SqliteIndex:
    """A `PassageIndex`. Several processes may share the file."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._lock = Lock()
        self._is_prepared = False

    async def publish(self, source: Source, space: str, passages: Sequence[Passage]) -> bool:
        return await self._do(lambda connection: _publish(connection, source, space, passages))

    async def remove(self, source: Source, *, earlier: bool = True) -> None:
        await self._do(lambda connection: _remove(connection, source, earlier))

    async def search(self, sought: Sought) -> list[Hit]:
        return await self._do(lambda connection: _search(connection, sought), "BEGIN")

    async def close(self) -> None:
        pass  # each piece of work has a connection of its own

    async def _do(self, work: Callable[[sqlite3.Connection], T], begin: str = "BEGIN IMMEDIATE") -> T:
        def run() -> T:
            with self._connected() as connection:
                connection.execute(begin)
                found = work(connection)
                connection.execute("COMMIT")
                return found

        try:
            return await asyncio.to_thread(run)
        except sqlite3.Error as error:
            raise ProblemError(platform_failed(f"The index of the library could not be used: {error}.")) from error

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect(self._path)
        try:
            with self._lock:
                if not self._is_prepared:
                    use_write_ahead_log(connection)
                    prepare(connection, self._path, _TABLES, SCHEMA_VERSION)
                    self._is_prepared = True
            yield connection
        finally:
            connection.close()


def _publish(connection: sqlite3.Connection, source: Source, space: str, passages: Sequence[Passage]) -> bool:
    key = source.tenant, source.collection, source.document
    if _upload(connection, key) > source.upload:
        return False
    _clear(connection, key)
    connection.execute("INSERT INTO heads VALUES (?, ?, ?, ?)", (*key, source.upload))
    scope = _scope(source.tenant, source.collection)
    first = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM passages").fetchone()[0]
    for id, one in enumerate(passages, start=first):
        row = (id, *key, one.number, one.start, one.end, one.page, scope, one.title, one.text)
        connection.execute("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        words = "INSERT INTO words (rowid, scope, title, text) VALUES (?, ?, ?, ?)"
        connection.execute(words, (id, scope, one.title, one.text))
    # All of a document's in one piece: a search reads every vector, and so many rows take longer than their bytes.
    vectors = b"".join(one.vector for one in passages)
    block = (*key, space, first, len(passages), vectors)
    connection.execute("INSERT INTO vectors VALUES (?, ?, ?, ?, ?, ?, ?)", block)
    return True


def _remove(connection: sqlite3.Connection, source: Source, earlier: bool) -> None:
    key = source.tenant, source.collection, source.document
    there = _upload(connection, key)
    if there == source.upload or (earlier and there < source.upload):
        _clear(connection, key)


def _upload(connection: sqlite3.Connection, key: tuple[str, str, str]) -> str:
    query = "SELECT upload FROM heads WHERE tenant = ? AND collection = ? AND document = ?"
    found = connection.execute(query, key).fetchone()
    return found[0] if found else ""


def _clear(connection: sqlite3.Connection, key: tuple[str, str, str]) -> None:
    of_document = "tenant = ? AND collection = ? AND document = ?"
    rows = connection.execute(f"SELECT id, scope, title, text FROM passages WHERE {of_document}", key)  # noqa: S608
    for row in rows.fetchall():
        # An index of what another table holds has to be told what it is to forget.
        connection.execute("INSERT INTO words (words, rowid, scope, title, text) VALUES ('delete', ?, ?, ?, ?)", row)
    for table in ("passages", "vectors", "heads"):
        connection.execute(f"DELETE FROM {table} WHERE {of_document}", key)  # noqa: S608


def _search(connection: sqlite3.Connection, sought: Sought) -> list[Hit]:
    rankings: list[list[int]] = []
    if sought.mode != "vector":
        rankings.append(_by_words(connection, sought))
    if sought.mode != "text" and sought.vector is not None:
        rankings.append(_by_meaning(connection, sought))
    return [_hit(connection, id, score) for id, score in fused(rankings, sought.top)]


def _by_words(connection: sqlite3.Connection, sought: Sought) -> list[int]:
    words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", sought.text)[:_MOST_WORDS])
    if not words:
        return []
    match = f'scope : "{_scope(sought.tenant, sought.collection)}" AND {{title text}} : ({words})'
    among, names = _among(sought, "passages.document")
    query = (
        "SELECT passages.id FROM words JOIN passages ON passages.id = words.rowid WHERE words MATCH ?"  # noqa: S608
        f" AND passages.tenant = ? AND passages.collection = ?{among}"
        " ORDER BY bm25(words, 0, 2, 1), passages.id LIMIT ?"
    )
    given = (match, sought.tenant, sought.collection, *names, max(DEEP, sought.top))
    return [id for (id,) in connection.execute(query, given)]


def _by_meaning(connection: sqlite3.Connection, sought: Sought) -> list[int]:
    import numpy as np  # noqa: PLC0415 - slow to import

    among, names = _among(sought, "document")
    query = (
        "SELECT first, count, vectors FROM vectors"  # noqa: S608
        f" WHERE tenant = ? AND collection = ? AND space = ? AND count > 0{among} ORDER BY first"
    )
    rows = connection.execute(query, (sought.tenant, sought.collection, sought.space, *names)).fetchall()
    if not rows or sought.vector is None:
        return []
    ids = np.concatenate([np.arange(first, first + count) for first, count, _ in rows])
    vectors = np.frombuffer(b"".join(block for _, _, block in rows), dtype="<f4").reshape(len(ids), -1)
    near = vectors @ np.frombuffer(sought.vector, dtype="<f4")
    return [int(ids[place]) for place in np.argsort(-near, kind="stable")[: max(DEEP, sought.top)]]


def _among(sought: Sought, column: str) -> tuple[str, tuple[str, ...]]:
    """A condition on the documents, and what its marks stand for."""
    if not sought.documents:
        return "", ()
    return f" AND {column} IN ({', '.join('?' * len(sought.documents))})", sought.documents


def _hit(connection: sqlite3.Connection, id: int, score: float) -> Hit:
    query = 'SELECT document, number, title, text, start, "end", page FROM passages WHERE id = ?'
    document, *fields = connection.execute(query, (id,)).fetchone()
    number, title, text, start, end, page = fields
    return Hit(document, Passage(number, title, text, start, end, page, vector=b""), round(score, 6))


def _scope(tenant: str, collection: str) -> str:
    """A word that all passages of a collection have in common, in digits, which no language's rules change."""
    return str(int.from_bytes(hashlib.sha256(f"{tenant}/{collection}".encode()).digest()[:16]))
