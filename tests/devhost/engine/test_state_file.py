"""The state file: one owner, known versions, clear refusals."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from devhost.engine.database import SCHEMA_VERSION, open_database
from devhost.engine.engine import SqliteEngine
from devhost.engine.errors import StateFileInUse, StateFileUnusable
from tests.devhost.engine.conftest import Bench
from tests.devhost.engine.sdk_app import SdkApp


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
    with pytest.raises(StateFileUnusable, match="cannot be used as a state file"):
        await SqliteEngine(path, app).start()


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
