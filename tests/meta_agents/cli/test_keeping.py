from __future__ import annotations

import json

import pytest
from starlette.responses import JSONResponse

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi, problem
from tests.meta_agents.samples import short_log


class TestRetention:
    def test_shown(self, command: Command, api: FakeApi) -> None:
        api.retentions.append({"failed": "P1D", "canceled": "PT36H"})

        assert command("retention").stdout.splitlines() == [
            "completed  for ever",
            "failed     1 day",
            "canceled   1 day, 12:00:00",
        ]
        assert len(api.retentions) == 1

    def test_only_what_is_given_is_changed(self, command: Command, api: FakeApi) -> None:
        command("retention", "--completed", "30", "--failed", "P1Y")
        result = command("retention", "--failed", "forever", "--canceled", "1")

        assert result.stdout.splitlines() == ["completed  30 days", "failed     for ever", "canceled   1 day"]
        assert api.retentions[-1] == {"completed": "P30D", "failed": None, "canceled": "P1D"}
        puts = api.requests("PUT", "/api/retention")
        assert [seen.headers.get("if-none-match") for seen in puts] == ["*", None]
        assert puts[1].headers["if-match"] == '"1"'

    def test_as_json(self, command: Command) -> None:
        policy = json.loads(command("retention", "--completed", "7", "--json").stdout)["policy"]

        assert policy == {"completed": "P7D", "failed": None, "canceled": None}

    def test_what_is_no_time_is_said_by_the_server(self, command: Command, api: FakeApi) -> None:
        bad = {"pointer": "/completed", "message": "must be from one day to a hundred years"}
        api.answers += [
            JSONResponse({"policy": {}}),
            problem(400, "invalid_request", "The request has mistakes.", "Correct it.", bad),
        ]
        result = command("retention", "--completed", "a while")

        assert result.exit_code == 2
        assert "/completed: must be from one day" in result.stderr


class TestHold:
    def test_hold_and_release(self, command: Command, api: FakeApi) -> None:
        execution = api.add_execution(short_log())

        assert command("hold", execution, "law suit \x1b[2J").stdout == f"{execution}  on hold: law suit \ufffd[2J\n"
        assert command("release", execution).stdout == f"{execution}  not on hold\n"

    @pytest.mark.parametrize("arguments", [["hold", "{}", "why"], ["release", "{}"]])
    def test_as_json(self, command: Command, api: FakeApi, arguments: list[str]) -> None:
        execution = api.add_execution(short_log())
        result = command(*(argument.format(execution) for argument in arguments), "--json")

        assert json.loads(result.stdout) == api.executions[execution]


class TestPurge:
    def test_all_that_is_due_batch_after_batch(self, command: Command, api: FakeApi) -> None:
        made = [api.add_execution(short_log()) for _ in range(6)]
        command("hold", made[3], "why")

        assert command("purge").stdout == "purged 5, kept 1 on hold\n"
        assert list(api.executions) == [made[3]]
        assert len(api.requests("POST", "/api/retention/purge")) == 3
        assert command("purge").stdout == "purged 0, kept 1 on hold\n"

    def test_one(self, command: Command, api: FakeApi) -> None:
        made = [api.add_execution(short_log()) for _ in range(2)]

        assert command("purge", made[0]).stdout == "purged 1\n"
        assert list(api.executions) == made[1:]
        assert command("purge", made[0]).exit_code == 3

    def test_one_on_hold(self, command: Command, api: FakeApi) -> None:
        execution = api.add_execution(short_log())
        command("hold", execution, "why")
        result = command("purge", execution)

        assert (result.exit_code, result.stderr) == (2, "error: The execution is on hold.\nRelease it first.\n")

    def test_as_json(self, command: Command, api: FakeApi) -> None:
        for _ in range(3):
            api.add_execution(short_log())

        expected = {"purged": 3, "held": 0, "in_use": 0, "failed": 0, "more": False}
        assert json.loads(command("purge", "--json").stdout) == expected

    def test_what_cannot_be_removed_is_not_tried_for_ever(self, command: Command, api: FakeApi) -> None:
        stuck = {"purged": 0, "held": 0, "in_use": 2, "failed": 1, "more": True}
        api.answers += [JSONResponse({**stuck, "purged": 2}), JSONResponse(stuck)]
        result = command("purge")

        assert (result.exit_code, result.stdout) == (5, "purged 2, kept 2 still needed by a retry\n")
        assert result.stderr == "1 could not be removed whole; the next purge goes on with them.\n"
