"""The least that durable steps can cost: one SQLite row per step, committed with an fsync that waiting steps share.

Argument: the state folder.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

from bench.peers.serving import serve
from bench.stub import model

stub = model()


class LimitPeer:
    settings = "journal wal, sync 2"

    def __init__(self, state: Path) -> None:
        self._connection = sqlite3.connect(state / "limit.db", isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS steps (key TEXT PRIMARY KEY, answer TEXT) WITHOUT ROWID")
        self._waiting: list[tuple[str, str, asyncio.Future[None]]] = []

    async def run(self, kind: str, size: int, id: str) -> int:
        keys = [f"{id}:{number}" for number in range(size)]
        if kind == "fan_out":
            await asyncio.gather(*map(self._step, keys))
        else:
            for key in keys:
                await self._step(key)
        return self._count(id)

    async def resume(self, kind: str, size: int, id: str) -> int:
        return await self.run(kind, size, id)

    async def _step(self, key: str) -> None:
        if self._connection.execute("SELECT 1 FROM steps WHERE key = ?", (key,)).fetchone():
            return
        answer = await stub.answer(key)
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting.append((key, answer, committed))
        await committed

    def _commit(self) -> None:
        """All steps that ended in this turn of the loop."""
        group, self._waiting = self._waiting, []
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO steps VALUES (?, ?)", [(key, text) for key, text, _ in group])
        self._connection.execute("COMMIT")
        for *_, committed in group:
            committed.set_result(None)

    def _count(self, id: str) -> int:
        rows = self._connection.execute("SELECT count(*) FROM steps WHERE key BETWEEN ? AND ?", (f"{id}:", f"{id};"))
        return int(rows.fetchone()[0])


async def main(state: Path) -> None:
    await serve(LimitPeer(state))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
