"""`prompt` and `uses`, over the stand-in for the API."""

from __future__ import annotations

import json

from starlette.responses import JSONResponse

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi


def test_labels_and_their_moves(command: Command) -> None:
    shown = command("prompt", "labels", "greet").stdout
    assert "production" in shown
    assert "protected" in shown
    assert "production: 1 → 2, by ann" in shown
    assert json.loads(command("prompt", "labels", "greet", "--json").stdout)["moves"][0]["from"] == 1


def test_a_label_is_put_and_taken_away(command: Command, api: FakeApi) -> None:
    assert "greet:staging is version 3" in command("prompt", "label", "greet", "staging", "3").stdout
    assert api.seen[-1].body == {"version": 3}
    assert "nowhere" in command("prompt", "unlabel", "greet", "staging").stdout
    assert api.seen[-1].method == "DELETE"


def test_versions_side_by_side(command: Command) -> None:
    shown = command("prompt", "diff", "greet", "1", "production").stdout
    assert "  One.\n- Be x\n+ Be y" in shown
    assert "\x1b" not in shown
    assert "+ New.\nvariable tone added" in shown
    assert "They are the same." in command("prompt", "diff", "greet", "2", "2").stdout


def test_one_version_is_compared_with_nothing(command: Command, api: FakeApi) -> None:
    api.answers.append(
        JSONResponse({"name": "greet", "from": {"version": 1}, "to": {"version": 1}, "same": True, "lines": []})
    )
    assert command("prompt", "diff", "greet").stdout == "greet has one version only: 1\n"


def test_uses(command: Command) -> None:
    shown = command("uses", "agent", "host").stdout
    assert "greet:production" in shown
    assert "agent/host" in shown
    assert [use["name"] for use in json.loads(command("uses", "prompt", "greet", "--json").stdout)] == [
        "host",
        "hello",
        "daily",
    ]


def test_prompts_are_applied_before_the_agents_that_name_them(command: Command, api: FakeApi, tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "all.yaml"
    file.write_text("{name: host, prompt: greet}\n---\n{name: greet, template: Hi.}\n")
    assert command("apply", str(file)).stdout.split()[1::5][:2] == ["prompt", "agent"]
    assert "greet" in command("list", "prompts").stdout
