"""Killing the host while executions are being deleted: what was accepted is completed, and nothing is left anywhere."""

from __future__ import annotations

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path

from meta_agents import ApiError, MetaAgentsError
from tests.crash.system import System, wait_until
from tests.support import stores

KILLS = 4
SEED = 3
WORKFLOW = {
    "name": "talk",
    "steps": [
        {"id": "plan", "agent": "writer", "input": "Plan ${input.word}."},
        {
            "id": "debate",
            "group_chat": {"participants": ["writer", "critic"], "task": "Debate.", "until": {"any": [{"turns": 4}]}},
        },
    ],
}


def test_what_is_deleted_is_gone_whenever_the_host_was_killed(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with System(tmp_path, latency=0) as system, ThreadPoolExecutor(4) as sender:
        system.agents("writer", "critic")
        executions = system.client.executions
        kept, *doomed = [executions.start(WORKFLOW, {"word": f"word {n}"}).id for n in range(1 + 5 * KILLS)]
        for execution in (kept, *doomed):
            assert system.ended(execution).status == "completed"
        assert all(traces(tmp_path, execution) for execution in doomed)
        rest = iter(doomed)
        for _ in range(KILLS):
            deleting = [sender.submit(delete, system, execution) for execution in islice(rest, 5)]
            answered = chance.randint(1, 3)
            wait_until(lambda: sum(future.done() for future in deleting) >= answered, "some are deleted")  # noqa: B023
            system.host.kill()
            print(sum(future.result() for future in deleting), "of 5 deleted before the kill")
            system.host.start()
        assert all(delete(system, execution) for execution in doomed)
        assert system.client.retention.purge().failed == 0
        for execution in doomed:
            # Only the note that it is to be looked at once more; the chat hears of its end a moment later.
            expected = {f"local/executions !purged:{execution}"}
            wait_until(lambda: traces(tmp_path, execution) == expected, f"{execution} gone")  # noqa: B023
        assert [record.id for record in executions.list()] == [kept]
        assert executions.chat(kept, "debate").turns == 4


def delete(system: System, execution: str) -> bool:
    """Whether it is gone for who asks."""
    try:
        system.client.executions.delete(execution)
    except ApiError as error:
        return error.status == 404
    except MetaAgentsError:
        return False
    return True


def traces(folder: Path, execution: str) -> set[str]:
    """Whatever mentions the execution in the app's documents and artifacts, and in the host's own state."""
    state = folder / "state"
    found = {str(path) for path in state.rglob("*") if execution in path.name}
    found |= {f"{row.partition} {row.id}" for row in stores.rows_in(state) if execution in " ".join(row)}
    found |= {name for name in stores.artifacts_in(state) if execution in name}
    with closing(sqlite3.connect(f"file:{state / 'devhost.db'}?mode=ro", uri=True)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608
                if any(execution in str(value) for value in row):
                    found.add(" ".join([table, *map(str, row[:2])]))
    return found
