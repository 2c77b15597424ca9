"""Agents that call tools, and kills of the host at random moments: all is done once, and paid for once."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

from domain.events import TERMINAL, Event
from tests.crash import tool_users
from tests.crash.counting import CountingTools
from tests.crash.killing import Kill, Progress, kill_at_random_moments, logs_on_disk
from tests.crash.looker import Looker
from tests.crash.system import System
from tests.crash.tool_truth import ToolOrdeal
from tests.crash.truth import Ordeal

KILLS = 5
SEED = 1
MOST_MS = 60
TOOL_MS = 60


def test_no_tool_is_called_twice_and_no_answer_paid_for_twice(tmp_path: Path) -> None:
    survive(tmp_path, rounds=1, kills_a_round=KILLS, seed=SEED)


def _has_ended(log: list[Event]) -> bool:
    return any(event.type in TERMINAL for event in log)


def survive(folder: Path, rounds: int, kills_a_round: int, seed: int, limits: dict[str, int] | None = None) -> None:
    """One execution in peace, then one a round that is killed so often; print what happened.

    `limits`: of the calls at the same time.
    """
    print(f"seed {seed}")
    chance = random.Random(seed)
    totals: Counter[str] = Counter()
    tools = CountingTools(folder, TOOL_MS, seed)
    environment = {**tools.environment(), "CALL_LIMITS": json.dumps(limits or {})}
    with (
        tools,
        System(folder, latency=0, environment=environment, script=tool_users.script) as system,
        Looker(system.host.address, tools) as looker,
    ):
        tool_users.prepare(system, tools)
        start, progress = system.client.executions.start, Progress(system.stub, tools)
        peaceful = system.ended(start(tool_users.workflow("in peace")).id)
        assert peaceful.status == "completed", peaceful.error
        size, killed, kills = progress.answered(), dict[str, str](), list[Kill]()
        for number in range(rounds):
            latest = start(tool_users.workflow(f"round {number}")).id
            killed[latest] = f"round {number}"
            before = progress.answered()
            moments = chance.sample(range(before, before + size * 4 // 5), kills_a_round)
            # Those that had ended need not be remembered as they were at each kill.
            last = kills[-1].logs if kills else {}
            watched = [id for id in killed if id in last or id == latest if not _has_ended(last.get(id, []))]
            kills += kill_at_random_moments(system, watched, moments, chance, MOST_MS, tools)
        records = {id: system.ended(id) for id in killed}
        twins = {id: system.ended(start(tool_users.workflow(about)).id) for id, about in killed.items()}
        system.host.kill()
        logs, stub, effects = logs_on_disk(system.host.state_dir, [*killed]), system.stub.log(), tools.effects()
    for id in killed:
        seen = [kill for kill in kills if id in kill.logs]
        ordeal, called = Ordeal(id, logs[id], seen, stub), ToolOrdeal(id, logs[id], seen, effects)
        ordeal.require_all()
        called.require_all()
        assert records[id].status == "completed", records[id].error
        assert records[id].output == twins[id].output
        totals.update(
            model_calls=len(ordeal.calls()),
            asked_of_models=len(ordeal.requests()),
            answered_again=len(ordeal.answered_again()),
            tool_calls=len(called.calls()),
            tool_calls_interrupted=called.interrupted(),
        )
    print(f"{len(kills)} kills of {len(killed)} executions: {dict(totals)}, operators: {dict(looker.said)}")
    assert len(kills) == rounds * kills_a_round
    assert totals["tool_calls_interrupted"]
