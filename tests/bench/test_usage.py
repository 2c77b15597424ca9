"""Counting from strace's log and from files."""

import os
import sqlite3
from pathlib import Path

from bench.usage import cpu_seconds, memory_mb, stored_bytes, syncs_between

TRACE = """2332  100.000000 fdatasync(3)    = 0
2333  101.000000 fdatasync(3 <unfinished ...>
2333  101.100000 <... fdatasync resumed>) = 0
2332  102.000000 fsync(4)    = 0
2332  103.000000 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=1, si_status=0} ---
2332  109.000000 fdatasync(3)    = 0
"""


def test_each_sync_within_the_window_counts_once() -> None:
    assert syncs_between(TRACE, 100.5, 105.0) == 2


def test_stored_bytes_are_those_of_the_database_with_its_log_folded_in(tmp_path: Path) -> None:
    (tmp_path / "artifact").write_bytes(b"x" * 1_000)
    writer = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (x)")
    copy = tmp_path / "killed"
    copy.mkdir()
    for name in ("a.db", "a.db-wal"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    writer.close()
    assert stored_bytes(copy) == 2 * 4_096
    assert stored_bytes(tmp_path) == 1_000 + 4 * 4_096


def test_a_process_has_used_cpu_and_memory() -> None:
    assert cpu_seconds(os.getpid()) > 0
    assert memory_mb(os.getpid()) > 1
