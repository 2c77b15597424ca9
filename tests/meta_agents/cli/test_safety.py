"""Nothing that a model, a tool or a server says commands the terminal."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest
from rich.text import Text

from meta_agents.cli import context
from meta_agents.cli.context import SafeConsole, print_json, print_text, say
from meta_agents.cli.tables import table_of
from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi

HOSTILE = "a\x1b]0;owned\x07b\x9b2Jc\u202ed\x7fe"
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


def test_lines_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    print_json({"said": HOSTILE})
    line, document = capsys.readouterr().out.split("\n", 1)
    assert not COMMANDS.search(line + document)
    assert json.loads(document) == {"said": HOSTILE}


def test_texts_are_whole_for_a_file_and_safe_for_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_text(HOSTILE)
    assert capsys.readouterr().out == f"{HOSTILE}\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_text(HOSTILE)
    assert not COMMANDS.search(capsys.readouterr().out)


def test_texts_and_tables() -> None:
    table = table_of("NAME")
    table.add_row(HOSTILE)
    out = SafeConsole(file=io.StringIO(), force_terminal=False, width=80)
    out.print(HOSTILE, Text(HOSTILE, "bold"))
    out.print(table)
    assert isinstance(out.file, io.StringIO)
    assert not COMMANDS.search(out.file.getvalue())


def test_a_list_of_what_was_named_by_others(command: Command, api: FakeApi) -> None:
    api.models["small"] = {"alias": "small", "source": HOSTILE, "by": f"x\n{HOSTILE}", "model": {"model": HOSTILE}}
    for arguments in (["model", "list"], ["model", "get", "small"], ["model", "list", "--json"]):
        assert not COMMANDS.search(command(*arguments).stdout), arguments


def test_commands_print_by_what_makes_it_safe() -> None:
    """What is printed otherwise would be safe only as long as everybody thinks of it."""
    folder = Path(context.__file__).parent
    found = {
        path.name: line.strip()
        for path in folder.glob("*.py")
        for line in path.read_text().splitlines()
        if re.search(r"typer\.echo\(|\bprint\(|(?<!Safe)Console\(", line) and ".print(" not in line
    }
    assert found.keys() == {"app.py", "bundling.py", "context.py"}, found
