"""Real processes killed with SIGKILL: nothing is lost, nothing takes effect twice."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devhost.engine.sdk_app import SdkApp
from devhost.ports import InstanceQuery, InstanceStatus
from tests.devhost.engine import crash_child
from tests.devhost.engine.conftest import Bench, events
from tests.devhost.engine.forks import processes

_LIFE_SECONDS = 60


def live(function: Callable[..., None], *args: Any) -> int:
    """Run one life in a child process and return its exit code: 0, or -SIGKILL."""
    process = processes.Process(target=function, args=args)
    process.start()
    process.join(_LIFE_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        pytest.fail(f"a life took more than {_LIFE_SECONDS} s")
    return process.exitcode


@pytest.mark.parametrize("seed", range(4))
async def test_a_process_killed_at_random_moments_finishes_as_if_it_had_lived(
    tmp_path: Path, app: SdkApp, seed: int
) -> None:
    dice = random.Random(seed)
    state_file, effects = tmp_path / "state.db", tmp_path / "effects"
    kills = 0
    while (code := live(crash_child.live, state_file, effects, dice.randint(5, 45))) != 0:
        assert code == -signal.SIGKILL
        kills += 1
        assert kills < 200
    assert kills >= 5

    bench = Bench(state_file, app)
    engine = await bench.start()
    try:
        statuses, _ = await engine.list_instances(InstanceQuery(top=1000))
        outputs = {s.instance_id: json.loads(s.output or "null") for s in statuses if s.instance_id == s.name}
        assert outputs == {
            "chain": 106,
            "fan_out": 78,
            "naps": "rested",
            "counts": 55,
            "family": [1006, 2006, 3006],
            "generations": 4,
            "stubborn": "at last",
            "listens": ["a", "b", "c"],
        }
        assert len(statuses) == len(outputs) + 3
        assert await engine.read_entity("counter", "shared") == "55"
        assert await engine.read_entity("counter", "generations") == "5"
        for status in statuses:
            full = await engine.get_status(status.instance_id, show_history=True)
            assert full is not None
            check_history(full)
    finally:
        await bench.stop()
    lines = set(effects.read_text().splitlines())
    assert {f"step {5000 + n}" for n in range(5)} <= lines
    assert {f"step {n}" for n in range(12)} <= lines


def check_history(status: InstanceStatus) -> None:
    """Every id is given once, in order without gaps, and answered at most once, after it was given."""
    given: list[int] = []
    answered: Counter[int] = Counter()
    for event in events(status):
        if event["EventType"] in (4, 7, 10, 14):
            given.append(event["EventId"])
        elif event["EventType"] in (5, 6, 8, 9, 11):
            answer = event.get("TaskScheduledId", event.get("TimerId"))
            assert answer in given
            answered[answer] += 1
    assert given == list(range(len(given)))
    assert set(answered.values()) <= {1}


async def test_work_that_kills_the_process_is_given_up_after_some_starts(tmp_path: Path, app: SdkApp) -> None:
    state_file = tmp_path / "state.db"
    codes = [live(crash_child.die_of_work, state_file) for _ in range(7)]
    assert codes == [-signal.SIGKILL] * 6 + [0]
    bench = Bench(state_file, app)
    engine = await bench.start()
    try:
        activity = await engine.get_status("risks_it")
        entity = await engine.get_status("risks_an_entity")
    finally:
        await bench.stop()
    assert activity is not None
    assert entity is not None
    message, after = json.loads(activity.output or "")
    assert "'deadly' was started 3 times and the host process died each time" in message
    assert after == "harmless"
    message, after = json.loads(entity.output or "")
    assert message == "operation 'die' was started 3 times and never ended"
    assert after == "alive"
