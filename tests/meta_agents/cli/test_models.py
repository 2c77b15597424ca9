from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi

EXAMPLE = Path(__file__).parents[3] / "examples" / "models.yaml"


def test_listed_with_what_they_cost(command: Command, api: FakeApi) -> None:
    api.models["small"] = {
        "alias": "small",
        "source": "file",
        "model": {"provider": "openai", "model": "gpt-4.1-mini", "fallback": ["spare"]},
        "context_window": 128_000,
        "price": {"input": "0.4000", "output": "1.6", "source": "genai-prices 1"},
        "mistakes": [{"pointer": "/fallback/0", "message": "there is no model `spare`"}],
    }
    api.models["thrifty"] = {
        "alias": "thrifty",
        "source": "stored",
        "model": {"cascade": {"first": "small", "then": "big"}},
        "price": None,
    }
    result = command("model", "list")
    _, small, thrifty = result.stdout.splitlines()
    told = "small gpt-4.1-mini (openai); if down spare file 128,000 0.4 / 1.6 (genai-prices 1)"
    assert " ".join(small.split()) == told
    assert thrifty.split() == ["thrifty", "small,", "then", "big", "stored"]
    assert "small/fallback/0: there is no model `spare`" in result.stderr
    assert [model["alias"] for model in json.loads(command("model", "list", "--json").stdout)] == ["small", "thrifty"]


def test_a_file_is_stored_and_shown_again(command: Command, api: FakeApi) -> None:
    stored = command("model", "apply", str(EXAMPLE)).stdout.splitlines()
    written = yaml.safe_load(EXAMPLE.read_text())["models"]
    # Those that others name come first.
    order = [line.split()[-1] for line in stored]
    assert order[-2:] == ["default", "thrifty"]
    assert {alias: kept["model"] for alias, kept in api.models.items()} == written
    shown = command("model", "get", "thrifty").stdout
    assert shown.startswith("# from stored, by ann; price not known\n")
    assert yaml.safe_load(shown) == {"models": {"thrifty": written["thrifty"]}}
    assert json.loads(command("model", "get", "thrifty", "--json").stdout)["alias"] == "thrifty"
    assert command("model", "delete", "thrifty").stdout == "deleted  model     thrifty\n"
    assert "thrifty" not in api.models


def test_a_mistake_is_told_where_it_stands(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("models:\n  far:\n    provider: compatible\n    model: m\n    base_url: https://x-far/v1\n")
    result = command("model", "apply", str(file))
    assert result.exit_code == 2
    assert f"{file}:5:15: have it added to MODEL_HOSTS" in result.stderr


def test_a_file_of_something_else_is_refused(command: Command, api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "agents.yaml"
    file.write_text("name: writer\ninstructions: Write.\n")
    result = command("model", "apply", str(file))
    assert (result.exit_code, api.models) == (2, {})
    assert "Not every document holds models." in result.stderr


def test_a_folder_of_definitions_may_hold_them_beside(command: Command, tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(EXAMPLE.read_text())
    (tmp_path / "writer.yaml").write_text("name: writer\ninstructions: Write.\n")
    assert "1 definition, 0 errors" in command("lint", str(tmp_path)).stdout
