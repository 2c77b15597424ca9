"""An evaluation with a judge, through kills of the host: every answer is paid for once, and graded as in peace."""

from __future__ import annotations

import random
from typing import Any

from meta_agents.evaluations import Evaluation
from tests.crash.killing import kill_at_random_moments, logs_on_disk
from tests.crash.system import System
from tests.crash.truth import Ordeal

KILLS = 5
SEED = 4
MOST_MS = 100
CASES = 10
CALLS = 2 * CASES


def evaluation(system: System) -> str:
    cases = [{"id": f"c{number}", "input": f"Say {number}.", "expected": str(number)} for number in range(CASES)]
    graders: list[dict[str, Any]] = [
        {"name": "said", "rule": "regex", "pattern": "."},
        {"name": "judged", "judge": {"agent": "critic", "ask": "Is ${output} right?"}},
    ]
    return system.client.evaluations.start(agent="writer", cases=cases, graders=graders, concurrency=3).id


def grades(found: Evaluation) -> dict[str, dict[str, float | None]]:
    assert found.summary.answered == CASES
    return {case.id: {name: grade.score for name, grade in case.grades.items()} for case in found.cases.items}


def test_every_answer_is_paid_for_once_and_graded_as_in_peace(tmp_path: Any) -> None:
    with System(tmp_path) as system:
        system.agents("writer", "critic")
        id = evaluation(system)
        chance = random.Random(SEED)
        kills = kill_at_random_moments(system, [id], sorted(chance.sample(range(CALLS), KILLS)), chance, MOST_MS)
        assert system.ended(id).status == "completed"
        peaceful = evaluation(system)
        system.ended(peaceful)
        found, in_peace = system.client.evaluations.get(id), system.client.evaluations.get(peaceful)
        stub = system.stub.log()
        system.host.kill()
        ordeal = Ordeal(id, logs_on_disk(system.host.state_dir, [id])[id], kills, stub)
    print(ordeal.summary())
    assert any(ordeal.cut_off())
    ordeal.require_all()
    assert len(ordeal.calls()) == CALLS
    assert grades(found) == grades(in_peace)
    assert found.summary.usage == in_peace.summary.usage
