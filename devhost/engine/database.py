"""Opening the state file: one process at a time, one known schema."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path

from devhost.engine.errors import StateFileInUse, StateFileUnusable

BUSY_SECONDS = 5.0
"""How long to wait for another program that has locked the state file."""

SCHEMA_VERSION = 1
"""Version of the tables below, kept in `PRAGMA user_version`. 1: the first."""

_SCHEMA = """
CREATE TABLE instances (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, version TEXT, execution_id TEXT NOT NULL, status TEXT NOT NULL,
  input TEXT, output TEXT, custom_status TEXT, custom_inherited INTEGER NOT NULL,
  created TEXT NOT NULL, updated TEXT NOT NULL,
  parent_id TEXT, parent_execution_id TEXT, parent_task_id INTEGER,
  events INTEGER NOT NULL, next_id INTEGER NOT NULL, last_turn TEXT NOT NULL, ended_turn INTEGER
) STRICT;
CREATE INDEX instances_by_status ON instances (status);

CREATE TABLE history (
  instance_id TEXT NOT NULL, n INTEGER NOT NULL, type INTEGER NOT NULL, json TEXT NOT NULL,
  PRIMARY KEY (instance_id, n)
) STRICT;

CREATE TABLE actions (
  instance_id TEXT NOT NULL, n INTEGER NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL, event_id INTEGER,
  turn INTEGER NOT NULL,
  PRIMARY KEY (instance_id, n)
) STRICT;

CREATE TABLE waits (
  instance_id TEXT NOT NULL, name TEXT NOT NULL, unanswered INTEGER NOT NULL,
  PRIMARY KEY (instance_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  instance_id TEXT NOT NULL, kind TEXT NOT NULL, task_id INTEGER, name TEXT, payload TEXT
) STRICT;
CREATE INDEX inbox_by_instance ON inbox (instance_id, id);

CREATE TABLE tasks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  instance_id TEXT NOT NULL, id INTEGER NOT NULL, execution_id TEXT NOT NULL, kind TEXT NOT NULL,
  name TEXT NOT NULL, input TEXT, version TEXT, child_id TEXT, fire_at TEXT, request_id TEXT,
  target TEXT, retry_interval INTEGER, retry_max INTEGER, attempt INTEGER NOT NULL,
  starts INTEGER NOT NULL, answered INTEGER NOT NULL,
  UNIQUE (instance_id, id)
) STRICT;
CREATE INDEX tasks_open ON tasks (kind) WHERE answered = 0;

CREATE TABLE entities (
  name TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL, updated TEXT NOT NULL,
  PRIMARY KEY (name, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE operations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  entity_name TEXT NOT NULL, entity_key TEXT NOT NULL, operation TEXT NOT NULL, input TEXT,
  caller_id TEXT, caller_execution_id TEXT, caller_task_id INTEGER, starts INTEGER NOT NULL
) STRICT;
CREATE INDEX operations_by_entity ON operations (entity_name, entity_key, id);
"""


def lock_state_file(path: Path) -> int:
    """Take the lock beside the state file; it is held until the returned descriptor is closed or the process dies.

    Raises `StateFileInUse`.
    """
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise StateFileInUse(
            f"{path} is in use by another host (process {owner}); stop that one or choose another state file"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def open_database(path: Path) -> sqlite3.Connection:
    """Open or create the state file for the calling thread. The caller holds the lock. Raises `StateFileUnusable`."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        _prepare(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise unusable(path, error) from error
    except StateFileUnusable:
        connection.close()
        raise
    return connection


def unusable(path: Path, error: sqlite3.DatabaseError) -> StateFileUnusable:
    """What to say when the state file cannot be read at the start. It is left as it is."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what SQLite adds to tell the reasons apart
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StateFileUnusable(f"{path} is locked by another program; close whatever has it open and start again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StateFileUnusable(
            f"{path} is damaged or no state file ({error}) and was left as it is; "
            "put a copy back, or move it away to begin anew"
        )
    return StateFileUnusable(f"{path} cannot be used as a state file: {error}")


def is_fault_of_file(error: Exception) -> bool:
    """Whether the state file has failed, as against one statement that it refused."""
    return type(error) in (sqlite3.DatabaseError, sqlite3.OperationalError, sqlite3.InternalError)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise StateFileUnusable(
            f"{path} was written by a newer host (schema {version}, this host knows {SCHEMA_VERSION}); "
            "upgrade the host or choose another state file"
        )
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise StateFileUnusable(f"{path} is the database of another program; choose another state file")
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL and not NORMAL: what was acknowledged must survive a power cut too, and group commit makes it cheap.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
