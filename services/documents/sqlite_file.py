"""Opening the SQLite file: pragmas, tables, and the check that this code understands them."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

SCHEMA_VERSION = 1
"""1: documents and entries."""

BUSY_SECONDS = 30.0
"""How long a connection waits for another process's transaction."""

_TABLES = """
CREATE TABLE documents (partition TEXT NOT NULL, id TEXT NOT NULL, etag TEXT NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX documents_by_id ON documents (partition, id);
CREATE TABLE entries (partition TEXT NOT NULL, offset INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX entries_by_offset ON entries (partition, offset);
CREATE UNIQUE INDEX entries_by_id ON entries (partition, id);
"""


class NewerSchema(Exception):
    """The file was written by a later version of this program."""


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection that writes; makes the file, its folder and its tables when they are not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(path)
    try:
        use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = FULL")
        prepare(connection, path, _TABLES, SCHEMA_VERSION)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection to a file that a writer has prepared."""
    connection = connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """Without transactions of its own making; it waits for those of others."""
    # Each connection is used by one thread at a time, though close() may come from another.
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            # SQLite does not wait for its busy timeout here when two processes make the file at once.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def prepare(connection: sqlite3.Connection, path: Path, tables: str, version: int) -> None:
    """Make the tables in a file that has none yet. Raises `NewerSchema`."""
    connection.execute("BEGIN IMMEDIATE")
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found == 0:
        for statement in filter(str.strip, tables.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version:d}")
    connection.execute("COMMIT")
    if found > version:
        raise NewerSchema(
            f"{path} has schema version {found}; this program knows up to {version}. "
            "Run the newer program that wrote it, or choose another state directory."
        )
