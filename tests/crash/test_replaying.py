"""Replays through the whole app: by the command line, and by one that is killed again and again meanwhile."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from meta_agents.cli.app import app
from meta_agents.results import Event
from tests.crash.killing import logs_on_disk
from tests.crash.system import TOKEN, System, wait_until

TURNS = 40
TALK = {
    "name": "talk",
    "steps": [
        {"id": "plan", "agent": "ann"},
        {
            "id": "debate",
            "group_chat": {
                "participants": ["ann", "bob"],
                "task": "Talk of ${steps.plan.output}.",
                "until": {"any": [{"turns": TURNS}]},
            },
        },
    ],
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(
        tmp_path_factory.mktemp("replaying"), latency=0, environment={"MODEL_PRICES": '{"stub-model": [1, 2]}'}
    ) as system:
        system.agents("ann", "bob")
        yield system


@pytest.fixture(scope="module")
def recorded(system: System) -> str:
    """The execution that all of them replay."""
    return system.ended(system.client.executions.start(TALK).id).id


@pytest.fixture(autouse=True)
def _environment(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_AGENTS_URL", system.host.address)
    monkeypatch.setenv("META_AGENTS_TOKEN", TOKEN)


def replay(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["replay", *arguments], catch_exceptions=False)
    return result.exit_code, result.stdout


def test_the_same_comes_of_it_here_and_from_a_file(system: System, recorded: str, tmp_path: Path) -> None:
    called = len(system.stub.log())
    code, said = replay(recorded)
    assert (code, said.splitlines()[1]) == (0, "= the same came of it")
    assert f"{TURNS + 1} model calls reused, $" in said
    assert "saved; 0 calls made" in said
    (tmp_path / "talk.zip").write_bytes(system.client.executions.export(recorded, zipped=True))
    assert replay(str(tmp_path / "talk.zip"), "--json")[0] == 0
    assert len(system.stub.log()) == called


def test_what_differs_is_told_and_called_only_live(system: System, recorded: str, tmp_path: Path) -> None:
    called = len(system.stub.log("start"))
    (tmp_path / "bob.yaml").write_text("name: bob\ninstructions: Say no.")
    code, said = replay(recorded, "--agent", str(tmp_path / "bob.yaml"))
    assert code == 1
    assert "≠ not_recorded: " in said
    assert "in `debate/turn[2]#0`; what differs: the prompt." in said
    assert "► first other request or definition: debate/turn[2]" in said
    assert len(system.stub.log("start")) == called
    code, said = replay(recorded, "--agent", str(tmp_path / "bob.yaml"), "--live", "--json")
    answer = json.loads(said)
    assert (code, answer["same"]) == (1, False)
    assert answer["diff"]["right"]["reused"]["model_calls"] == 2
    assert len(system.stub.log("start")) == called + TURNS - 1


def test_files_that_are_none_of_its_definitions_are_refused(recorded: str, tmp_path: Path) -> None:
    (tmp_path / "look.yaml").write_text("name: look\nfunction: look\ninput: {type: object}")
    assert replay(recorded, "--agent", str(tmp_path / "look.yaml"))[0] == 2
    assert replay("0" * 32)[0] == 3


def test_kills_at_any_moment_change_nothing(system: System, recorded: str) -> None:
    called = len(system.stub.log())
    chance = random.Random(7)
    made = system.client.executions.replay(recorded).id
    events = len(told(system, recorded))
    for moment in sorted(chance.sample(range(1, events), 4)):
        wait_until(lambda at=moment: len(told(system, made)) >= at, f"event {moment}")  # type: ignore[misc]
        system.host.kill()
        [log] = logs_on_disk(system.host.state_dir, [made]).values()
        assert len(log) >= moment
        system.host.start()
    again = system.ended(made)
    assert again.output == system.client.executions.get(recorded).output
    assert [shown(event) for event in told(system, made)] == [shown(event) for event in told(system, recorded)]
    assert len(system.stub.log()) == called


def told(system: System, execution: str) -> list[Event]:
    """All of the log but where calls began, which those of a replay do not."""
    log = system.client.executions.events(execution, limit=1_000).events
    return [event for event in log if event.type not in ("call.started", "execution.started")]


def shown(event: Event) -> tuple[Any, ...]:
    return event.type, event.step, event.agent, event.value
