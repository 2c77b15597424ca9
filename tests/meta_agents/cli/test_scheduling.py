from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi, problem
from tests.meta_agents.samples import short_log

DAILY = {"name": "daily", "workflow": "brief", "cron": "30 7 * * *", "time_zone": "Europe/Berlin"}
MONDAY = "Mon 2026-11-23 07:30 CET"


@pytest.fixture
def daily(command: Command, api: FakeApi) -> None:
    """A schedule of that name is there."""
    arguments = ["set", "daily", "brief", "30 7 * * *", "--time-zone", "Europe/Berlin", "--set", "topic=tea"]
    assert command("schedule", *arguments).exit_code == 0


class TestSet:
    def test_says_when_it_is_due(self, command: Command, api: FakeApi) -> None:
        result = command("schedule", "set", "daily", "brief@2", "30 7 * * *", "--time-zone", "Europe/Berlin")

        assert (result.exit_code, result.stdout) == (0, f"set  schedule  daily  next: {MONDAY}\n")
        [sent] = api.requests("PUT", "/api/schedules/daily")
        assert sent.body == {**DAILY, "workflow": "brief@2", "input": {}, "catch_up": "last"}

    def test_input_and_catching_up(self, command: Command, api: FakeApi) -> None:
        arguments = ["--input", '{"a": 1}', "--set", "b=two", "--catch-up", "all"]
        command("schedule", "set", "daily", "brief", "0 7 * * *", *arguments)

        assert api.seen[-1].body["input"] == {"a": 1, "b": "two"}
        assert (api.seen[-1].body["catch_up"], api.seen[-1].body["time_zone"]) == ("all", "UTC")

    def test_a_refusal_names_the_field(self, command: Command, api: FakeApi) -> None:
        detail = {"pointer": "/cron", "message": "should be five fields"}
        api.answers.append(problem(422, "invalid_definition", "The definition has mistakes.", "Correct it.", detail))
        result = command("schedule", "set", "daily", "brief", "soon")

        assert result.exit_code == 2
        assert "/cron: should be five fields" in result.stderr


class TestApply:
    def test_each_document_is_kept(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        text = (
            "name: a\nworkflow: brief\ncron: 0 7 * * *\n---\nname: b\nworkflow: brief\ncron: 0 8 * * *\npaused: true\n"
        )
        (tmp_path / "schedules.yaml").write_text(text)
        result = command("schedule", "apply", str(tmp_path))

        assert result.exit_code == 0
        assert [line.split("  ")[2:] for line in result.stdout.splitlines()] == [
            ["a", "next: Mon 2026-11-23 06:30 UTC"],
            ["b", "next: paused"],
        ]
        assert set(api.schedules) == {"a", "b"}

    @pytest.mark.parametrize("text", ["name: a\ninstructions: Write.", "cron: 0 7 * * *", "- 1", "# nothing"])
    def test_what_is_no_schedule_is_refused(self, command: Command, api: FakeApi, tmp_path: Path, text: str) -> None:
        (tmp_path / "bad.yaml").write_text(text)
        result = command("schedule", "apply", str(tmp_path / "bad.yaml"))

        assert result.exit_code == 2
        assert "A schedule has `name`, `workflow` and `cron`" in result.stderr
        assert api.seen == []

    def test_a_refusal_points_into_the_file(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        (tmp_path / "bad.yaml").write_text("name: a\nworkflow: brief\ncron: soon\n")
        detail = {"pointer": "/cron", "message": "should be five fields"}
        api.answers.append(problem(422, "invalid_definition", "The definition has mistakes.", "Correct it.", detail))
        result = command("schedule", "apply", str(tmp_path / "bad.yaml"))

        assert result.exit_code == 2
        assert f"{tmp_path / 'bad.yaml'}:3:7: error: should be five fields" in result.stderr


class TestShowing:
    def test_list(self, command: Command, api: FakeApi, daily: None) -> None:
        api.schedules["daily"]["last_execution"] = "e1"
        api.schedules["broken"] = {**api.schedules["daily"], "definition": {**DAILY, "name": "broken"}, "paused": True}
        api.schedules["broken"]["last_error"] = {"code": "not_found", "message": "There is no workflow 'brief'."}
        heading, *rows = command("schedule", "list").stdout.splitlines()

        assert heading.split() == ["NAME", "WORKFLOW", "CRON", "TIME", "ZONE", "NEXT", "LAST"]
        assert rows[0].split("Europe/Berlin")[1].split(maxsplit=1) == [
            "paused",
            "failed: There is no workflow 'brief'.",
        ]
        assert rows[1].split("Europe/Berlin  ")[1].rstrip() == f"{MONDAY}  e1"
        assert [row["name"] for row in json.loads(command("schedule", "list", "--json").stdout)] == ["broken", "daily"]

    def test_get_is_yaml_that_can_be_applied(self, command: Command, api: FakeApi, daily: None, tmp_path: Path) -> None:
        api.schedules["daily"] |= {"last_due": "2026-11-22T06:30:00Z", "last_execution": "e1"}
        result = command("schedule", "get", "daily")

        assert result.stdout.splitlines()[:2] == [f"# next: {MONDAY}", "# Sun 2026-11-22 07:30 CET: started e1"]
        assert yaml.safe_load(result.stdout) == api.schedules["daily"]["definition"]
        (tmp_path / "daily.yaml").write_text(result.stdout)
        assert command("schedule", "apply", str(tmp_path / "daily.yaml")).exit_code == 0
        as_json = json.loads(command("schedule", "get", "daily", "--json").stdout)
        assert as_json["definition"]["cron"] == "30 7 * * *"

    def test_next(self, command: Command, daily: None) -> None:
        assert command("schedule", "next", "daily", "--count", "2").stdout.splitlines() == [
            "Mon 2026-11-23 07:30 CET  2026-11-23 06:30:00Z",
            "Tue 2026-11-24 07:30 CET  2026-11-24 06:30:00Z",
        ]
        assert len(json.loads(command("schedule", "next", "daily", "--json").stdout)["times"]) == 5

    def test_what_is_not_there(self, command: Command) -> None:
        assert command("schedule", "get", "nothing").exit_code == 3


class TestVerbs:
    def test_pause_and_resume(self, command: Command, api: FakeApi, daily: None) -> None:
        assert command("schedule", "pause", "daily").stdout == "paused  schedule  daily  next: paused\n"
        assert command("schedule", "resume", "daily").stdout == f"resumed  schedule  daily  next: {MONDAY}\n"

    def test_run_shows_the_execution(self, command: Command, api: FakeApi, daily: None) -> None:
        api.next_log = short_log("Tea is fine.")
        result = command("schedule", "run", "daily")
        assert (result.exit_code, result.stdout.strip()) == (0, "Tea is fine.")
        assert command("schedule", "run", "daily", "--detach").stdout.strip() in api.executions

    def test_delete(self, command: Command, api: FakeApi, daily: None) -> None:
        assert command("schedule", "delete", "daily").stdout == "deleted  schedule  daily\n"
        assert api.schedules == {}
