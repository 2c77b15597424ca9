"""Records what the orchestrators of this release do: `python -m tests.replay.record`, once for each release.

Runs every scenario on the engine with scripted activities and writes its histories to `histories/RELEASE/`. Those of
a release that is out never change: they stand for executions that are still running.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import tomllib
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from devhost.engine.actions import parse_reply
from devhost.engine.engine import SqliteEngine
from devhost.engine.options import EngineOptions
from devhost.engine.sdk_app import SdkApp
from devhost.ports import FunctionFailed
from domain import values
from entities.chat import chat
from entities.semaphore import semaphore
from tests.replay.history import HISTORIES, Generation, Recording, durable, ending_of, prefixes, registered
from tests.replay.scenarios import SCENARIOS, STARTED_BY, Scenario, ScriptedActivities

ROOT = Path(__file__).parents[2]

SOON = datetime(2026, 1, 1, 2, tzinfo=UTC)
"""Until then the clock goes by minutes, later by hours."""

Turn = tuple[dict[str, Any], str]
"""The context that the SDK was given, and its reply."""


class RecordingApp(SdkApp):
    """The app's orchestrators and entity over scripted activities, which wait until they are let go, last come first.

    So work ends in another order than it began, and in the same one each time.
    """

    def __init__(self, scenario: Scenario) -> None:
        super().__init__()
        self.taken: list[Turn] = []
        self._waiting: list[asyncio.Event] = []
        for name, replay in registered().items():
            self.replace(name, replay.orchestrator_function)
        self.entity(chat)
        self.entity(semaphore)
        script = self.script = ScriptedActivities(scenario)
        for activity in (
            script.call_model, script.call_tool, script.ask_human, script.park, script.cancel_steps, script.evaluate,
            script.finish, script.deliver, script.next_turns, script.index_part,
        ):  # fmt: skip
            self.activity(activity)

    def run_orchestrator(self, name: str, context_json: str) -> str:
        reply = super().run_orchestrator(name, context_json)
        self.taken.append((json.loads(context_json) | {"name": name}, reply))
        return reply

    async def run_activity(self, name: str, input_json: str | None, instance_id: str) -> str:
        gate = asyncio.Event()
        self._waiting.append(gate)
        await gate.wait()
        try:
            return await super().run_activity(name, input_json, instance_id)
        except FunctionFailed as failed:
            # The traceback names files of the machine that records.
            raise FunctionFailed(failed.message) from failed

    def let_one_go(self) -> bool:
        if self._waiting:
            self._waiting.pop().set()
            return True
        return False


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def recorded(name: str, state_file: Path) -> Recording:
    """Run one scenario to its end on a clock of its own."""
    scenario = SCENARIOS[name]
    app, clock = RecordingApp(scenario), Clock()
    every_turn = EngineOptions(extended_sessions=False)  # as on Azure: what is recorded are replays
    engine = SqliteEngine(state_file, app, every_turn, clock=clock)
    await engine.start()
    try:
        await engine.start_instance(scenario.orchestrator, name, json.dumps(json.dumps(_payload(name, scenario))))
        while await _is_running(engine, name):
            if app.let_one_go():
                clock.now += timedelta(seconds=1)
            elif app.script.wakes:
                await engine.raise_event(*app.script.wakes.pop(0), "null")
            else:
                clock.now += timedelta(minutes=1) if clock.now < SOON else timedelta(hours=1)
    finally:
        await engine.stop()
        app.close()
    return Recording(generations=_generations(app.taken))


def _payload(name: str, scenario: Scenario) -> dict[str, Any]:
    if scenario.orchestrator != "workflow":
        return scenario.payload
    return {
        "tenant": "t",
        "execution": name,
        "plan": "0" * 64,
        "workflow": scenario.workflow(name),
        "input": values.recorded(scenario.input, STARTED_BY),
        **scenario.payload,
    }


async def _is_running(engine: SqliteEngine, instance: str) -> bool:
    """Looks after letting the engine do all that it can without more time or results."""
    for _ in range(20):
        status = await engine.get_status(instance)
        await asyncio.sleep(0.001)
    if status is None or status.runtime_status == "Failed":
        raise RuntimeError(f"the orchestration {instance} did not end as it should: {status}")
    return status.runtime_status in ("Pending", "Running")


def _generations(taken: list[Turn]) -> list[Generation]:
    by_generation: dict[str, list[Turn]] = defaultdict(list)
    for context, reply in taken:
        by_generation[context["history"][1]["OrchestrationInstance"]["ExecutionId"]].append((context, reply))
    return [_generation(turns) for turns in by_generation.values()]


def _generation(turns: list[Turn]) -> Generation:
    last, last_reply = turns[-1]
    # What a turn itself adds (the signals it sent) is in the history only from the next turn on.
    for (context, _), length in zip(turns, prefixes(last["history"]), strict=True):
        given = context["history"]
        assert given == last["history"][: len(given)], "each turn was given a beginning of the last one's history"
        assert len(given) <= length
    actions = [durable(parse_reply(reply)) for _, reply in turns]
    before: list[list[str]] = [[], *actions[:-1]]
    assert all(now[: len(earlier)] == earlier for earlier, now in zip(before, actions, strict=True))
    return Generation(
        orchestrator=last["name"],
        instance=last["instanceId"],
        parent=last["parentInstanceId"],
        input=last["input"],
        history=last["history"],
        turns=[now[len(earlier) :] for earlier, now in zip(before, actions, strict=True)],
        ended=ending_of(parse_reply(last_reply)),
    )


def release() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def record_all(folder: Path) -> None:
    """Write every scenario's recording into a new folder. Raises `FileExistsError`."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as state:
        for name in SCENARIOS:
            recording = asyncio.run(recorded(name, Path(state, f"{name}.db")))
            recording.save(folder / f"{name}.json")


def main() -> int:
    folder = HISTORIES / release()
    try:
        record_all(folder)
    except FileExistsError:
        print(f"{folder} is there already: histories of a release never change.", file=sys.stderr)
        return 1
    except BaseException:
        shutil.rmtree(folder)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
