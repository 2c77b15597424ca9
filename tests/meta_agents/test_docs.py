"""docs/cli.md says what is so: its Python runs, its commands and codes are those there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from meta_agents.cli.app import app
from meta_agents.cli.exits import ExitCode
from tests.meta_agents.fake_api import TOKEN, FakeApi, Server
from tests.meta_agents.samples import short_log

GUIDE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_snippets_run(
    snippet: str,
    server: Server,
    api: FakeApi,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("META_AGENTS_URL", server.url)
    monkeypatch.setenv("META_AGENTS_TOKEN", TOKEN)
    api.next_log = short_log("Tea is fine.")

    exec(compile(snippet, "docs/cli.md", "exec"), {})  # noqa: S102 - our own documentation

    assert "Tea is fine." in capsys.readouterr().out


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) == 2


def test_every_exit_code_is_documented() -> None:
    documented = [int(code) for code in re.findall(r"^\| (\d+) \|", GUIDE, re.MULTILINE)]

    assert documented == list(ExitCode)


def test_every_command_is_documented() -> None:
    documented = re.findall(r"^\| `(\w+) ", GUIDE, re.MULTILINE)

    assert set(documented) == set(typer.main.get_group(app).commands)
