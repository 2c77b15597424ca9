"""Generated workflows of every kind of step, at the same time and with people, through kills at random moments."""

from __future__ import annotations

import random
from pathlib import Path

from tests.crash.generated import generated, outcome, prepare
from tests.crash.killing import Kill, Progress, kill_at_random_moments, logs_on_disk
from tests.crash.people import People
from tests.crash.system import System
from tests.crash.truth import Ordeal

WORKFLOWS = 6
KILLS = 5
SEED = 5
MOST_MS = 150


def test_each_comes_to_the_end_of_one_left_in_peace(tmp_path: Path) -> None:
    survive(tmp_path, WORKFLOWS, rounds=1, kills_a_round=KILLS)


def survive(folder: Path, count: int, rounds: int, kills_a_round: int) -> None:
    """Run all of them in peace, then again in each round, killed so often; print what happened."""
    workflows = generated(count)
    with System(folder) as system, People(system.host.address) as people:
        prepare(system, workflows)

        def start_all() -> list[str]:
            begun = [system.client.executions.start(one.workflow, one.input).id for one in workflows]
            people.send_events([id for id, one in zip(begun, workflows, strict=True) if one.listens])
            return begun

        chance, progress = random.Random(SEED), Progress(system.stub)
        peaceful = start_all()
        records = {id: system.ended(id) for id in peaceful}
        calls = progress.answered()
        killed: dict[str, str] = {}
        kills: list[Kill] = []
        for number in range(1, rounds + 1):
            begun = dict(zip(start_all(), peaceful, strict=True))
            killed |= begun
            moments = chance.choices(range(number * calls, (number + 1) * calls), k=kills_a_round)
            kills += kill_at_random_moments(system, [*killed], moments, chance, MOST_MS)
            records |= {id: system.ended(id) for id in begun}
        system.host.kill()
        logs, stub = logs_on_disk(system.host.state_dir, [*records]), system.stub.log()
    for id, twin in killed.items():
        ordeal = Ordeal(id, logs[id], [kill for kill in kills if id in kill.logs], stub)
        print(f"{records[id].workflow}: {records[id].status}, {ordeal.summary()}")
        ordeal.require_all()
        assert outcome(records[id], logs[id]) == outcome(records[twin], logs[twin])
    assert len(kills) == rounds * kills_a_round
