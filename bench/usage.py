"""What a process used: CPU, memory, fsyncs, bytes on disk."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_SYNC = re.compile(r"^\d+ +(\d+\.\d+) f(?:data)?sync\(")


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads so far; in steps of a tick, usually 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mb(pid: int) -> float:
    """Resident set."""
    return _status(pid, "VmRSS") / 1024


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise LookupError(name)


def syncs_between(trace: str, start: float, end: float) -> int:
    """fsync and fdatasync calls in the text of a `strace -f -ttt` log, between two times of `time.time()`."""
    times = (float(match[1]) for line in trace.splitlines() if (match := _SYNC.match(line)))
    return sum(start <= time <= end for time in times)


def stored_bytes(folder: Path) -> int:
    """Size of all files under it, once every SQLite log is folded into its database. Nobody may have them open."""
    for database in folder.rglob("*"):
        if database.with_name(database.name + "-wal").exists():
            with contextlib.closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
