"""Killing the host while it makes up for what its schedules missed: each time starts one execution."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from domain.schedules import Schedule
from services.identity import TENANT
from services.schedules import Schedules
from tests.crash.system import System, wait_until
from tests.support import stores

KILLS = 4
SEED = 6
NAMES = ("first", "second", "third")
TIMES = 15
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
WORKFLOW = {"name": "one", "steps": [{"id": "say", "agent": "writer", "input": "Say ${input.word}."}]}


def schedule_long_ago(state: Path) -> None:
    """As if the host had been down ever since: every minute of a quarter of an hour was missed."""

    async def create() -> None:
        documents = stores.documents_of(state)
        for name in NAMES:
            written = {"name": name, "workflow": "one", "input": {"word": name}, "cron": "* * * * *"}
            bounds = {"until": LONG_AGO.replace(minute=TIMES).isoformat(), "catch_up": "all"}
            await Schedules(documents).create(TENANT, Schedule.model_validate({**written, **bounds}), LONG_AGO)
        await documents.close()

    asyncio.run(create())


def test_each_missed_time_starts_one_execution_whenever_the_host_was_killed(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with System(tmp_path, environment={"SWEEP_CRON": "* * * * * *"}) as system:
        system.agents("writer")
        system.client.workflows.put(WORKFLOW)
        schedule_long_ago(system.host.state_dir)
        begun: list[int] = []
        for moment in sorted(chance.sample(range(len(NAMES) * TIMES), KILLS)):
            wait_until(partial(has_started, system, moment), f"{moment} executions")
            time.sleep(chance.uniform(0, 0.03))  # the random moment itself
            system.host.kill()
            system.host.start()
            begun.append(started(system))
        print(f"executions after each kill: {begun}")

        wait_until(lambda: all(stored.next is None for stored in system.client.schedules.list()), "the last time")
        records = [system.ended(execution.id) for execution in system.client.executions.list()]
        assert {record.status for record in records} == {"completed"}
        assert Counter(record.started_by for record in records) == {f"schedule:{name}": TIMES for name in NAMES}
        assert all(stored.last_error is None for stored in system.client.schedules.list())
        asked = Counter(entry.idempotency_key for entry in system.stub.log("sent"))
        assert asked.keys() == {f"{record.id}:say#0" for record in records}


def started(system: System) -> int:
    return len(list(system.client.executions.list(page_size=200)))


def has_started(system: System, count: int) -> bool:
    return started(system) >= count
