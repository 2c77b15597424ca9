from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi, problem
from tests.meta_agents.samples import short_log

WRITER = "# ours\nname: writer\ninstructions: Write anew.\n"


@pytest.fixture
def parent(api: FakeApi) -> str:
    """An execution to fork; the fork of it says `Coffee.`."""
    api.next_log = short_log("Coffee.")
    return api.add_execution(short_log("Tea."), input={"product": "tea", "tone": "warm"})


def body(api: FakeApi, parent: str) -> object:
    (sent,) = api.requests("POST", f"/api/executions/{parent}/fork")
    return sent.body


def test_goes_on_as_a_new_execution(command: Command, api: FakeApi, parent: str) -> None:
    result = command("fork", parent, "--before", "write")

    assert (result.exit_code, result.stdout) == (0, "Coffee.\n")
    new = [execution for execution in api.executions if execution != parent]
    assert f"execution {new[0]}\n" in result.stderr
    assert body(api, parent) == {"before": "write"}


def test_detached_and_as_json(command: Command, api: FakeApi, parent: str) -> None:
    result = command("fork", parent, "--after", "3", "--detach", "--json", "--idempotency-key", "k")

    assert json.loads(result.stdout)["retry_of"] == parent
    assert body(api, parent) == {"after": 3}
    assert api.seen[-1].headers["idempotency-key"] == "k"


def test_set_changes_the_input_that_there_was(command: Command, api: FakeApi, parent: str) -> None:
    command("fork", parent, "--set", "product=coffee", "--detach")

    assert body(api, parent) == {"input": {"product": "coffee", "tone": "warm"}}
    assert api.executions[parent]["input"]["product"] == "tea"


def test_input_takes_its_place(command: Command, api: FakeApi, parent: str) -> None:
    command("fork", parent, "--input", '{"a": 1}', "--set", "b=2", "--detach")

    assert body(api, parent) == {"input": {"a": 1, "b": 2}}


def test_outputs_are_given_to_steps(command: Command, api: FakeApi, parent: str, tmp_path: Path) -> None:
    (tmp_path / "long.md").write_text("A long text.\n")
    outputs = ["--output", "research/law=No objections.", "--output", "n[0]=3", "--output", f"all=@{tmp_path}/long.md"]
    command("fork", parent, *outputs, "--detach")

    assert body(api, parent) == {"outputs": {"research/law": "No objections.", "n[0]": 3, "all": "A long text.\n"}}


def test_other_definitions(command: Command, api: FakeApi, parent: str, tmp_path: Path) -> None:
    (tmp_path / "writer.yaml").write_text(WRITER)
    (tmp_path / "brief.yaml").write_text("steps: [{id: write, agent: writer}]\n")
    options = ["--agent", f"{tmp_path}/writer.yaml", "--workflow", f"{tmp_path}/brief.yaml"]
    command("fork", parent, *options, "--detach")

    assert body(api, parent) == {
        "agents": {"writer": {"name": "writer", "instructions": "Write anew."}},
        "workflow": {"steps": [{"id": "write", "agent": "writer"}]},
    }


def test_mistakes_are_found_in_the_files(command: Command, api: FakeApi, parent: str, tmp_path: Path) -> None:
    (tmp_path / "writer.yaml").write_text(WRITER)
    (tmp_path / "brief.yaml").write_text("name: brief\nsteps:\n- {id: write, agent: writr}\n")
    mistakes = [
        {"pointer": "/agents/writer/instructions", "message": "too short"},
        {"pointer": "/workflow/steps/0/agent", "message": "unknown agent"},
        {"pointer": "/agents/writers", "message": "not used"},
        {"pointer": "/before", "message": "not begun"},
    ]
    api.answers.append(problem(422, "invalid_definition", "The definition has mistakes.", "Correct it.", *mistakes))
    options = ["--agent", f"{tmp_path}/writer.yaml", "--workflow", f"{tmp_path}/brief.yaml"]
    result = command("fork", parent, *options)

    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "error: The definition has mistakes.",
        f"  {tmp_path}/writer.yaml:3:15: error: too short",
        f"  {tmp_path}/brief.yaml:3:22: error: unknown agent",
        "  /agents/writers: not used",
        "  /before: not begun",
        "Correct it.",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x", "--before", "a", "--after", "1"],
        ["x", "--after", "-1"],
        ["x", "--after", "write"],
        ["x", "--output", "write"],
        ["x", "--output", "=1"],
        ["x", "--output", "write=@missing.md"],
        ["x", "--set", "k"],
        ["x", "--input", "{"],
        ["x", "--input", "[]", "--set", "k=1"],
        ["x", "--agent", "missing.yaml"],
        ["x", "--agent", "brief.yaml"],
        ["x", "--agent", "twice.yaml"],
        ["x", "--agent", "nameless.yaml"],
        ["x", "--workflow", "twice.yaml"],
        ["x", "--workflow", "text.yaml"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_said_without_asking_the_server(command: Command, api: FakeApi, arguments: list[str]) -> None:
    Path("brief.yaml").write_text("name: brief\nsteps: [{id: write, agent: writer}]\n")
    Path("twice.yaml").write_text(f"{WRITER}---\n{WRITER}")
    Path("nameless.yaml").write_text("instructions: Write.\n")
    Path("text.yaml").write_text("just text\n")
    result = command("fork", *arguments)

    assert result.exit_code == 2
    assert result.stderr != ""
    assert "Traceback" not in result.stderr
    assert api.seen == []
