"""The same mistakes at the command line: an exit code to branch on, and words that name the bad place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from meta_agents.cli.app import app
from meta_agents.cli.exits import ExitCode
from tests.crash.system import TOKEN, System

NOBODY = "0" * 32
NOT_LISTENING = "http://127.0.0.1:1"


@pytest.fixture
def environment(unchanged: System, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("META_AGENTS_URL", unchanged.host.address)
    monkeypatch.setenv("META_AGENTS_TOKEN", TOKEN)
    return monkeypatch


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def file(folder: Path, content: object) -> str:
    path = folder / "given.yaml"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def workflow(**changes: Any) -> dict[str, Any]:
    return {"name": "bad", "steps": [{"id": "draft", "agent": "writer", "input": "Write.", **changes}]}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("verb", ["apply", "lint"])
@pytest.mark.parametrize(
    ("content", "names"),
    [
        (workflow(agent="wirter"), "given.yaml:1:52: error: there is no agent `wirter`; did you mean `writer`?"),
        (workflow(imput="x"), "given.yaml:1:90: error: unknown key `imput`; did you mean `input`?"),
        (workflow(when="1 ==== 1"), "given.yaml:1:89: error: The expression `1 ==== 1` failed"),
        (workflow(input="Write ${input..topic}"), "given.yaml:1:71: error: The expression `input..topic` failed"),
        ("name: bad\nsteps: ]\n", "given.yaml:2:"),
        ("- just\n- a list\n", "`steps`"),
    ],
)
def test_a_file_with_a_mistake(tmp_path: Path, verb: str, content: object, names: str) -> None:
    result = command(verb, file(tmp_path, content))
    assert result.exit_code == ExitCode.BAD_INPUT
    assert names in result.output


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("arguments", "code", "names"),
    [
        (["run", "brief"], ExitCode.BAD_INPUT, "/input/topic"),
        (["run", "brief", "--input", "{not json"], ExitCode.BAD_INPUT, "--input"),
        (["run", "nothing"], ExitCode.NOT_FOUND, "nothing"),
        (["run", "@no-such-file.yaml"], ExitCode.BAD_INPUT, "no-such-file.yaml"),
        (["run", "brief", "--set", f"topic={'x' * 5_000_000}"], ExitCode.BAD_INPUT, "1048576 bytes"),
        (["watch", NOBODY], ExitCode.NOT_FOUND, NOBODY),
        (["cancel", NOBODY], ExitCode.NOT_FOUND, NOBODY),
        (["retry", NOBODY], ExitCode.NOT_FOUND, NOBODY),
        (["get", "agent", "nobody"], ExitCode.NOT_FOUND, "nobody"),
        (["delete", "agent", "nobody"], ExitCode.NOT_FOUND, "nobody"),
    ],
)
def test_a_command_that_cannot_be_done(arguments: list[str], code: ExitCode, names: str) -> None:
    result = command(*arguments)
    assert result.exit_code == code, result.output
    assert names in result.output


@pytest.mark.parametrize(
    ("variable", "value", "code", "names"),
    [
        ("META_AGENTS_TOKEN", "wrong", ExitCode.UNAUTHENTICATED, "token"),
        ("META_AGENTS_URL", NOT_LISTENING, ExitCode.UNREACHABLE, NOT_LISTENING),
        ("META_AGENTS_URL", "not an address", ExitCode.BAD_INPUT, "META_AGENTS_URL"),
    ],
)
def test_settings_that_lead_nowhere(
    environment: pytest.MonkeyPatch, variable: str, value: str, code: ExitCode, names: str
) -> None:
    environment.setenv(variable, value)
    result = command("run", "brief", "--set", "topic=tea")
    assert result.exit_code == code, result.output
    assert names in result.output
