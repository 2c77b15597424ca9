"""Calls that take turns, through kills of the host: everyone has theirs in the end, and nobody waits for a dead one."""

from __future__ import annotations

import random
from pathlib import Path

from tests.crash.killing import kill_at_random_moments
from tests.crash.system import System

EXECUTIONS, STEPS, KILLS, SEED = 6, 4, 4, 13
WORKFLOW = {
    "name": "queue",
    "steps": [{"id": "all", "concurrent": [{"id": f"s{number}", "agent": "writer"} for number in range(STEPS)]}],
}


def test_everyone_has_a_turn(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with System(tmp_path, environment={"CALL_LIMITS": '{"model:default": 2, "tenant": 3}'}) as system:
        system.agents("writer")
        ids = [system.client.executions.start(WORKFLOW).id for _ in range(EXECUTIONS)]
        moments = chance.sample(range(EXECUTIONS * STEPS - 4), KILLS)
        kill_at_random_moments(system, ids, moments, chance, 100)
        assert {system.ended(id).status for id in ids} == {"completed"}
        waited = [
            event.data["semaphore"]
            for id in ids
            for event in system.client.executions.events(id).events
            if event.type == "step.waiting"
        ]
        answered = {entry.idempotency_key for entry in system.stub.log("sent")}
    assert set(waited) == {"model:default", "tenant:local"}
    assert len(answered) == EXECUTIONS * STEPS
