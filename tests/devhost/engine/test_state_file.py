"""The state file: one owner, known versions, clear refusals."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from devhost.engine import database
from devhost.engine.database import SCHEMA_VERSION, open_database
from devhost.engine.engine import SqliteEngine
from devhost.engine.errors import StateFileInUse, StateFileUnusable
from devhost.engine.sdk_app import SdkApp
from tests.devhost.engine.conftest import Bench


async def test_a_second_engine_on_the_same_file_is_refused(bench: Bench) -> None:
    with pytest.raises(StateFileInUse, match=r"state\.db is in use by another host \(process \d+\)"):
        await SqliteEngine(bench.state_file, bench.app).start()
    await bench.stop()
    second = SqliteEngine(bench.state_file, bench.app)
    await second.start()
    await second.stop()


async def test_a_file_of_a_newer_host_is_refused_and_left_alone(tmp_path: Path, app: SdkApp) -> None:
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    for _ in range(2):  # the first refusal must not leave the file locked
        with pytest.raises(StateFileUnusable, match="newer host"):
            await SqliteEngine(path, app).start()
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path, app: SdkApp) -> None:
    path = tmp_path / "state.db"
    path.write_text("these are not the bytes you are looking for" * 50)
    before = path.read_bytes()
    with pytest.raises(StateFileUnusable, match=r"state\.db is damaged or no state file .* and was left as it is"):
        await SqliteEngine(path, app).start()
    assert path.read_bytes() == before


async def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path, app: SdkApp) -> None:
    path = tmp_path / "state.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE precious (data)")
    before = path.read_bytes()
    with pytest.raises(StateFileUnusable, match="is the database of another program"):
        await SqliteEngine(path, app).start()
    assert path.read_bytes() == before


async def test_a_damaged_file_is_refused_and_left_alone(bench: Bench) -> None:
    await bench.stop()
    whole = bench.state_file.read_bytes()
    damaged = whole[:100] + bytes([0xFF]) * (len(whole) - 100)  # what SQLite looks at first is still there
    bench.state_file.write_bytes(damaged)
    with pytest.raises(StateFileUnusable, match=r"is damaged or no state file .* put a copy back, or move it away"):
        await bench.start()
    assert bench.state_file.read_bytes() == damaged
    bench.state_file.write_bytes(whole)
    await bench.start()


async def test_damage_found_only_when_work_is_taken_up_is_told_the_same(bench: Bench) -> None:
    await bench.stop()
    whole = bench.state_file.read_bytes()
    page = int.from_bytes(whole[16:18], "big")
    bench.state_file.write_bytes(whole[:page] + bytes([0xFF]) * (len(whole) - page))
    with pytest.raises(StateFileUnusable, match="is damaged or no state file"):
        await bench.start()


async def test_a_file_that_another_program_has_locked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.stop()
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with contextlib.closing(sqlite3.connect(bench.state_file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StateFileUnusable, match="is locked by another program; close whatever has it open"):
            await bench.start()
    await bench.start()


def test_commits_are_flushed_and_readers_do_not_block(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "state.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    connection.close()


async def test_a_caller_that_went_away_does_not_disturb_the_engine(bench: Bench) -> None:
    asking = asyncio.ensure_future(bench.engine.get_status("x"))
    await asyncio.sleep(0)
    asking.cancel()
    assert await bench.engine.get_status("x") is None
