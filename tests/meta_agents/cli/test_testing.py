"""`meta-agents test` finds the app that plays, and passes on what it says and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meta_agents.cli import testing
from meta_agents.cli.app import app

ROOT = Path(__file__).parents[3]
TEST = "workflow: hi\ncases: [{name: says it, answers: {a: one}, expect: {output: %s}}]"


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    line = [sys.executable, "-m", "meta_agents", "test", *arguments]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A project elsewhere, with a folder that is called as a room of the app."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "hi.yaml").write_text('{"name": "hi", "steps": [{"id": "a", "agent": "bob"}]}')
    (tmp_path / "services" / "bob.yaml").write_text("name: bob\ninstructions: Be Bob.")
    (tmp_path / "services" / "__init__.py").write_text("")
    return tmp_path


@pytest.mark.parametrize(("output", "code", "shown"), [("one", 0, "✓ says it"), ("two", 1, "✗ says it")])
def test_it_has_the_app_play(flows: Path, output: str, code: int, shown: str) -> None:
    (flows / "services" / "hi.test.yaml").write_text(TEST % output)
    done = command(flows, "services", "-k", "says", "--junit", "out.xml")
    assert (done.returncode, done.stderr) == (code, "")
    assert shown in done.stdout
    assert (flows / "out.xml").exists()


def test_without_an_app_it_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(app, ["test", "flows", "--app", str(tmp_path)])
    assert done.exit_code == 2
    assert "is no checkout of the app" in done.output.replace("\n", " ")
    monkeypatch.setattr(testing, "__file__", str(tmp_path / "testing.py"))
    done = CliRunner().invoke(app, ["test", "flows"])
    assert done.exit_code == 2
    assert "There is no checkout of the app" in done.output.replace("\n", " ")
    assert "--app" in done.output
