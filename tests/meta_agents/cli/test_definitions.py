from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.responses import JSONResponse

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi, problem

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
        bad = TEAM.replace("agent: writer", "agent: wirter").replace("Judge.", "Judge.\nmodle: x")
        path = write(tmp_path, bad)
        result = command("apply", path)

        assert result.exit_code == 2
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert lines == [
            "error: The definitions have 2 problems.",
            f"  {path}:11:8: error: unknown key `modle`",
            f"  {path}:4:12: error: there is no agent `wirter`",
            "Correct them and try again; nothing was changed.",
        ]
        assert api.requests("PUT", "/api/agents/writer") == []

    def test_warnings_are_told_and_keep_nothing_back(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        path = write(tmp_path, TEAM.replace("agent: writer", 'agent: writer\n    when: "false"'))
        result = command("apply", path)

        assert result.exit_code == 0
        assert result.stderr.splitlines() == [f"{path}:5:11: warning: always skipped"]
        assert set(api.definitions["workflows"]) == {"brief"}

    def test_each_comes_after_those_it_uses(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        outer = "name: a\nsteps:\n  - id: s\n    sequential: [{id: x, workflow: b@2}, {id: y, workflow: gone}]\n"
        inner = "name: b\nsteps: [{id: x, workflow: c}]\n"
        circle = "name: c\nsteps: [{id: x, workflow: a}]\n"
        tool = "name: mail\nfunction: send-mail\n"
        command("apply", write(tmp_path, "---\n".join([outer, inner, circle, tool, "name: z\ninstructions: x\n"])))

        assert [seen.path for seen in api.seen if seen.method == "PUT"] == [
            "/api/agents/z",
            "/api/tools/mail",
            "/api/workflows/c",
            "/api/workflows/b",
            "/api/workflows/a",
        ]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "name: x",
                "team.yaml:1:1: error: a workflow has `steps`, an agent `instructions` or `prompt`, a tool `http`",
            ),
            ("- 1", "this has none of them"),
            ("name: x\ncron: 0 7 * * *", "`meta-agents schedule apply`"),
            ("instructions: Write.", "needs a `name`"),
            ("name: 7\ninstructions: Write.", "needs a `name`"),
            (
                "name: a\ninstructions: x\n---\nname: a\ninstructions: y",
                ":4:1: error: agent 'a' is there twice",
            ),
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
        valid = JSONResponse({"results": [{"valid": True}]})
        api.answers += [valid, problem(404, "not_found", "There is none.", ""), refusal]
        path = write(tmp_path, "name: writer\ninstructions: Write.\n")
        result = command("apply", path)

        assert result.exit_code == 2
        assert f"  {path}:2:15: error: too rude" in result.stderr


class TestLint:
    def test_says_what_each_workflow_may_use(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        result = command("lint", write(tmp_path, TEAM))

        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            "brief: at most 1 model call, 1,500 tokens written, which cost $0.0030; prompts and retries come on top",
            "3 definitions, 0 errors, 0 warnings",
        ]
        assert [(seen.method, seen.path) for seen in api.seen] == [("POST", "/api/validate")]

    def test_what_is_not_known_is_said(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        api.answers.append(JSONResponse({"results": [{"valid": True}]}))
        result = command("lint", write(tmp_path, "name: brief\nsteps: [{id: a, agent: b}]"))

        assert "any number of model calls, any number of tokens written, at an unknown price" in result.stdout

    def test_findings_have_file_line_and_column(self, command: Command, tmp_path: Path) -> None:
        text = "name: brief\nsteps:\n  - id: a\n    agent: nobody\n    when: 'false'\n---\nname: z\ninstructions: x\n"
        yaml, json = (
            write(tmp_path, text),
            write(tmp_path, '{\n\t"name": "j",\n\t"steps": [{"id": "a", "agent": "q"}]\n}', "j.json"),
        )
        result = command("lint", yaml, json)

        assert result.exit_code == 2
        assert result.stderr == ""
        assert result.stdout.splitlines() == [
            f"{yaml}:4:12: error: there is no agent `nobody`",
            f"{yaml}:5:11: warning: always skipped",
            f"{json}:3:33: error: there is no agent `q`",
            "3 definitions, 2 errors, 1 warning",
        ]

    def test_for_programs(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        told = json.loads(command("lint", write(tmp_path, TEAM), "--json").stdout)
        assert (told["findings"], told["estimates"]["brief"]["model_calls"]) == ([], 1)
        path = write(tmp_path, "name: brief\nsteps: [{id: a, agent: nobody}]\n")
        result = command("lint", path, "--json")
        message = "there is no agent `nobody`"
        told = {"place": f"{path}:2:24", "severity": "error", "message": message}
        assert (result.exit_code, json.loads(result.stdout)) == (2, {"findings": [told], "estimates": {}})

    def test_definitions_of_the_files_know_each_other(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        command("lint", write(tmp_path, TEAM))

        sent = api.requests("POST", "/api/validate")[0].body["definitions"]
        assert [(one["kind"], one["definition"]["name"]) for one in sent] == [
            ("agent", "writer"),
            ("agent", "critic"),
            ("workflow", "brief"),
        ]

    def test_its_old_name_is_gone(self, command: Command, tmp_path: Path) -> None:
        assert command("validate", write(tmp_path, TEAM)).exit_code == 2


class TestDelete:
    @pytest.mark.parametrize("kind", ["agent", "agents"])
    def test_hides_the_name(self, command: Command, api: FakeApi, tmp_path: Path, kind: str) -> None:
        command("apply", write(tmp_path, TEAM))
        result = command("delete", kind, "writer")

        assert (result.exit_code, words(result.stdout)) == (0, [["deleted", "agent", "writer"]])
        assert set(api.definitions["agents"]) == {"critic"}

    def test_tools_are_definitions_like_the_others(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        command("apply", write(tmp_path, "name: mail\nfunction: send-mail\n"))

        assert "mail" in command("list", "tools").stdout
        assert "function: send-mail" in command("get", "tool", "mail", "--yaml").stdout
        assert words(command("delete", "tool", "mail").stdout) == [["deleted", "tool", "mail"]]
        assert api.definitions["tools"] == {}

    def test_what_is_not_there(self, command: Command) -> None:
        assert command("delete", "workflow", "brief").exit_code == 3
