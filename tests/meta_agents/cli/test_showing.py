from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from starlette.responses import JSONResponse

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi
from tests.meta_agents.samples import failed, numbered, short_log, started

WRITER = {"name": "writer", "instructions": "Write.\nShortly.\n"}


def words(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


class TestList:
    def test_executions_newest_first(self, command: Command, api: FakeApi) -> None:
        first = api.add_execution(numbered(started(), failed()))
        second = api.add_execution(short_log()[:2])
        rows = words(command("list").stdout)

        assert rows[0] == ["ID", "STATUS", "WORKFLOW", "CREATED", "TOOK", "CALLS", "COST"]
        assert rows[1][:3] == [second, "running", "brief@1"]
        assert "$" not in "".join(rows[1]), "what it has cost so far is not in its record"
        assert rows[2][:3] == [first, "failed", "brief@1"]
        assert rows[2][-2:] == ["1", "$0.0010"]

    def test_only_some(self, command: Command, api: FakeApi) -> None:
        for _ in range(5):
            api.add_execution(short_log())
        running = api.add_execution(short_log()[:2])

        assert len(words(command("list", "executions", "--limit", "3").stdout)) == 1 + 3
        assert [row[0] for row in words(command("list", "--status", "running").stdout)[1:]] == [running]

    def test_definitions(self, command: Command, api: FakeApi) -> None:
        api.definitions["agents"] = {name: [WRITER | {"name": name}] for name in ("writer", "critic", "editor")}

        assert words(command("list", "agents").stdout) == [
            ["NAME", "VERSION", "UPDATED", "DESCRIPTION"],
            ["critic", "1"],
            ["editor", "1"],
            ["writer", "1"],
        ]
        assert words(command("list", "workflows").stdout)[1:] == []

    def test_ids_stay_whole_where_there_is_little_room(
        self, command: Command, api: FakeApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("meta_agents.cli.context._WIDE", 60)
        execution = api.add_execution(short_log(), workflow="a-workflow-of-a-long-name")
        name, long = "a-writer-of-a-long-name-indeed", "It writes, and writes, and writes. " * 5
        listed = {"items": [{"name": name, "version": 1, "description": long}], "continuation": None}

        assert words(command("list").stdout)[1][0] == execution
        api.answers.append(JSONResponse(listed))
        rows = words(command("list", "agents").stdout)
        assert rows[1][0] == name
        assert rows[2:] == [["A", "wider", "terminal", "also", "shows", "UPDATED."]]

    def test_as_json(self, command: Command, api: FakeApi) -> None:
        records = [api.executions[api.add_execution(short_log())] for _ in range(3)]

        assert json.loads(command("list", "--json").stdout) == records[::-1]
        assert json.loads(command("list", "agents", "--json").stdout) == []


class TestGet:
    def test_a_definition_is_yaml_that_can_be_applied(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        api.definitions["agents"]["writer"] = [WRITER]
        result = command("get", "agent", "writer")

        assert result.stdout.startswith("# agent writer, version 1, updated 2026-11-22 12:00:00Z\nname: writer\n")
        (tmp_path / "writer.yaml").write_text(result.stdout)
        assert command("apply", str(tmp_path / "writer.yaml")).stdout.startswith("unchanged")

    def test_one_version(self, command: Command, api: FakeApi) -> None:
        api.definitions["agents"]["writer"] = [WRITER, WRITER | {"instructions": "Better."}]

        assert yaml.safe_load(command("get", "agents", "writer", "--version", "1", "--yaml").stdout) == WRITER
        answer = json.loads(command("get", "agents", "writer", "--json").stdout)
        assert (answer["version"], answer["etag"]) == (2, '"2"')
        assert answer["definition"]["instructions"] == "Better."

    def test_an_execution(self, command: Command, api: FakeApi) -> None:
        execution = api.add_execution(short_log("Line one.\nLine two.\n"))
        record = api.executions[execution]

        assert json.loads(command("get", "execution", execution, "--json").stdout) == record
        assert yaml.safe_load(command("get", "executions", execution, "--yaml").stdout)["output"] == record["output"]
        assert command("get", "execution", execution).stdout.startswith(f"# execution {execution}\n")
