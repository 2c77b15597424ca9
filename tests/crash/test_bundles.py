"""Executions taken from one place to another by the command line, through the whole app, and by one that is killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from meta_agents import Unreachable
from meta_agents.cli.app import app
from tests.crash.system import TOKEN, System, wait_until
from tests.support import stores

TALK = {
    "name": "talk",
    "steps": [
        {"id": "plan", "agent": "ann"},
        {
            "id": "debate",
            "group_chat": {"participants": ["ann", "bob"], "task": "Talk.", "until": {"any": [{"turns": 4}]}},
        },
    ],
}
TURNS = 2_000


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with System(tmp_path, latency=0) as system:
        system.agents("ann", "bob")
        yield system


def ran(system: System, **definition: Any) -> str:
    return system.ended(system.client.executions.start({**TALK, **definition}).id).id


def command(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("name", ["bundle.json", "bundle.zip"])
def test_there_and_back_by_the_command_line(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("META_AGENTS_URL", system.host.address)
    monkeypatch.setenv("META_AGENTS_TOKEN", TOKEN)
    original, file = ran(system), str(tmp_path / name)
    command("export", original, "-o", file)
    imported = command("import", file).split()[0]

    assert json.loads(command("get", "execution", imported, "--json"))["imported_from"] == original
    seen = [[json.loads(line) for line in command("watch", id, "--json").splitlines()] for id in (original, imported)]
    assert seen[0] == seen[1]
    compared = json.loads(command("diff", original, imported, "--json"))
    assert compared["counts"] == {"same": 6, "changed": 0, "only_left": 0, "only_right": 0}
    system.client.agents.put({"name": "bob", "instructions": "Say no."})
    assert "► first other request" in command("diff", imported, ran(system))


def test_an_import_that_is_killed_is_not_there_and_repeated_is_there_once(system: System, tmp_path: Path) -> None:
    original = ran(system)
    bundle = json.loads(system.client.executions.export(original))
    bundle["events"] = lengthened(bundle["events"])
    content = json.dumps(bundle).encode()
    with ThreadPoolExecutor(1) as sender:
        before = rows(tmp_path)
        first = sender.submit(system.client.executions.import_bundle, content, idempotency_key="k")
        wait_until(lambda: rows(tmp_path) > before + TURNS // 4, "some of the log on disk")
        system.host.kill()
        with pytest.raises(Unreachable):
            first.result()
        written = rows(tmp_path) - before
    assert TURNS // 4 < written < len(bundle["events"])

    system.host.start()
    assert [item.id for item in system.client.executions.list()] == [original]
    record = system.client.executions.import_bundle(content, idempotency_key="k")
    assert system.client.executions.import_bundle(content, idempotency_key="k").id == record.id
    assert {item.id for item in system.client.executions.list()} == {original, record.id}
    assert json.loads(system.client.executions.export(record.id))["events"] == bundle["events"]


def lengthened(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The log with many more turns of its chat."""
    *begin, last = events
    for event in [event for event in begin if (event.get("step") or "").startswith("debate/turn[4]")]:
        for turn in range(5, TURNS):
            copy = json.loads(json.dumps(event).replace("debate/turn[4]", f"debate/turn[{turn}]"))
            begin.append(copy)
    return [{**event, "offset": offset} for offset, event in enumerate([*begin, last], start=1)]


def rows(tmp_path: Path) -> int:
    return len(stores.rows_in(tmp_path / "state"))
