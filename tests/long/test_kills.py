"""Two hundred kills over many executions at once, each of which keeps every promise. About a quarter of an hour."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from domain.events import EventType
from tests.crash.killing import Kill, kill_at_random_moments, logs_on_disk
from tests.crash.system import System
from tests.crash.truth import Ordeal
from tests.crash.workflows import AGENTS, CALLS, mixed, mixed_input

ROUNDS = 20
KILLS_A_ROUND = 10
CALLS_A_ROUND = 35
"""Answered while the kills of a round are spread over them; all executions together need a few more."""
MOST_MS = 150
SEED = 200
TALKERS = ["optimist", "skeptic", "editor"]
TURNS = {"round-robin": 150, "chaired": 100}


def chat(name: str, speaker: object) -> dict[str, Any]:
    rules = {"participants": TALKERS, "task": f"A {name} talk.", "speaker": speaker}
    return {"name": name, "steps": [{"id": name, "group_chat": {**rules, "until": {"any": [{"turns": TURNS[name]}]}}}]}


def test_every_execution_keeps_every_promise(tmp_path: Path) -> None:
    with System(tmp_path) as system:
        system.agents(*AGENTS, *TALKERS, "chair")
        start = system.client.executions.start
        calls = {
            start(chat("round-robin", "round_robin")).id: TURNS["round-robin"],
            start(chat("chaired", {"agent": "chair"})).id: 2 * TURNS["chaired"],
        }
        chance = random.Random(SEED)
        kills: list[Kill] = []
        for topic in range(ROUNDS):
            calls[start(mixed(f"topic {topic}"), mixed_input()).id] = CALLS
            moments = chance.choices(range(topic * CALLS_A_ROUND, (topic + 1) * CALLS_A_ROUND), k=KILLS_A_ROUND)
            kills += kill_at_random_moments(system, [*calls], moments, chance, MOST_MS)
        records = {id: system.ended(id) for id in calls}
        system.host.kill()
        logs, stub = logs_on_disk(system.host.state_dir, [*calls]), system.stub.log()
    for id, count in calls.items():
        ordeal = Ordeal(id, logs[id], [kill for kill in kills if id in kill.logs], stub)
        print(f"{records[id].workflow}: {ordeal.summary()}")
        ordeal.require_all()
        assert records[id].status == "completed"
        assert ordeal.log[-1].type is EventType.EXECUTION_COMPLETED
        assert len(ordeal.calls()) == records[id].usage.model_calls == count
    assert len(kills) == ROUNDS * KILLS_A_ROUND
