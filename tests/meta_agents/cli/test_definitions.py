from __future__ import annotations

from pathlib import Path

import pytest
from starlette.responses import JSONResponse

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import AGENT_SCHEMA, FakeApi, problem

TEAM = """\
name: brief
steps:
  - id: write
    agent: writer
---
name: writer
instructions: Write.
---
name: critic
instructions: Judge.
"""


def write(folder: Path, text: str, name: str = "team.yaml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def words(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


class TestApply:
    def test_agents_come_before_the_workflows_that_use_them(
        self, command: Command, api: FakeApi, tmp_path: Path
    ) -> None:
        result = command("apply", write(tmp_path, TEAM))

        assert result.exit_code == 0
        assert words(result.stdout) == [
            ["created", "agent", "writer", "version", "1"],
            ["created", "agent", "critic", "version", "1"],
            ["created", "workflow", "brief", "version", "1"],
        ]
        assert [seen.path for seen in api.seen if seen.method == "PUT"] == [
            "/api/agents/writer",
            "/api/agents/critic",
            "/api/workflows/brief",
        ]

    def test_again_says_what_changed(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        command("apply", write(tmp_path, TEAM))
        result = command("apply", write(tmp_path, TEAM.replace("Judge.", "Judge well.")))

        assert [line[0] for line in words(result.stdout)] == ["unchanged", "changed", "unchanged"]
        assert words(result.stdout)[1][-1] == "2"

    def test_folders_and_json_files(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        folder = tmp_path / "team"
        folder.mkdir()
        write(folder, '{"name": "writer", "instructions": "Write."}', "writer.json")
        write(folder, "name: brief\nsteps: [{id: a, agent: writer}]", "brief.yml")

        assert command("apply", str(folder)).exit_code == 0
        assert set(api.definitions["workflows"]) == {"brief"}

    def test_nothing_is_changed_when_anything_is_wrong(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        bad = TEAM.replace("agent: writer", "agent: wirter").replace("Judge.", "''\nmodle: x")
        path = write(tmp_path, bad)
        result = command("apply", path)

        assert result.exit_code == 2
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert lines[0] == "error: The definitions have 3 problems."
        assert f"  {path}:4: /steps/0/agent: unknown agent 'wirter'" in lines
        assert any(line.startswith(f"  {path}:10: /instructions: ") for line in lines)
        assert any(line.startswith(f"  {path}:9: /: ") and "modle" in line for line in lines)
        assert lines[-1] == "Correct them and try again; nothing was changed."
        assert api.requests("PUT", "/api/agents/writer") == []

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("name: x", "this has neither"),
            ("- 1", "this has neither"),
            ("instructions: Write.", "needs a `name`"),
            ("name: 7\ninstructions: Write.", "needs a `name`"),
            ("name: a\ninstructions: x\n---\nname: a\ninstructions: y", ":4: agent 'a' is there twice, first at"),
            ("# nothing", "no definition"),
            ("name: [", "is not YAML"),
        ],
    )
    def test_what_is_no_definition_is_refused(
        self, command: Command, api: FakeApi, tmp_path: Path, text: str, said: str
    ) -> None:
        result = command("apply", write(tmp_path, text))

        assert result.exit_code == 2
        assert said in result.stderr
        assert api.seen == []

    def test_a_refusal_while_applying_points_into_the_file(
        self, command: Command, api: FakeApi, tmp_path: Path
    ) -> None:
        detail = {"pointer": "/instructions", "message": "too rude"}
        refusal = problem(422, "invalid_definition", "The agent is not valid.", "Correct it.", detail)
        api.answers += [JSONResponse(AGENT_SCHEMA), problem(404, "not_found", "There is none.", ""), refusal]
        path = write(tmp_path, "name: writer\ninstructions: Write.\n")
        result = command("apply", path)

        assert result.exit_code == 2
        assert f"  {path}:2: /instructions: too rude" in result.stderr


class TestValidate:
    def test_says_what_it_may_use(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        result = command("validate", write(tmp_path, TEAM))

        assert result.exit_code == 0
        assert words(result.stdout) == [
            ["valid", "agent", "writer"],
            ["valid", "agent", "critic"],
            ["valid", "workflow", "brief", "at", "most", "1", "model", "calls"],
        ]
        assert {seen.method for seen in api.seen} == {"GET", "POST"}

    def test_agents_of_the_files_count_as_known_pinned_or_not(
        self, command: Command, api: FakeApi, tmp_path: Path
    ) -> None:
        assert command("validate", write(tmp_path, TEAM.replace("agent: writer", "agent: writer@2"))).exit_code == 0

    def test_agents_that_are_nowhere_are_unknown(self, command: Command, tmp_path: Path) -> None:
        result = command("validate", write(tmp_path, "name: brief\nsteps: [{id: a, agent: nobody}]"))

        assert result.exit_code == 2
        assert "unknown agent 'nobody'" in result.stderr


class TestDelete:
    @pytest.mark.parametrize("kind", ["agent", "agents"])
    def test_hides_the_name(self, command: Command, api: FakeApi, tmp_path: Path, kind: str) -> None:
        command("apply", write(tmp_path, TEAM))
        result = command("delete", kind, "writer")

        assert (result.exit_code, words(result.stdout)) == (0, [["deleted", "agent", "writer"]])
        assert set(api.definitions["agents"]) == {"critic"}

    def test_what_is_not_there(self, command: Command) -> None:
        assert command("delete", "workflow", "brief").exit_code == 3
