from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi, problem
from tests.meta_agents.samples import canceled, event, numbered, short_log, started

CANCELED = {"code": "canceled", "message": "The execution was canceled."}


class TestPauseAndResume:
    def test_each_says_how_things_stand_and_what_follows(self, command: Command, api: FakeApi) -> None:
        execution = api.add_execution(short_log()[:2])

        for _ in range(2):
            paused = command("pause", execution)
            assert (paused.exit_code, paused.stdout) == (0, f"{execution}  paused\n")
            assert paused.stderr == f"To go on: meta-agents resume {execution}\n"
        resumed = command("resume", execution)
        assert (resumed.exit_code, resumed.stdout) == (0, f"{execution}  running\n")
        assert resumed.stderr == f"Watch it: meta-agents watch {execution}\n"

    @pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
    def test_as_json(self, command: Command, api: FakeApi, verb: str) -> None:
        execution = api.add_execution(short_log()[:2])

        assert json.loads(command(verb, execution, "--json").output) == api.executions[execution]

    @pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
    def test_what_has_ended_takes_no_orders(self, command: Command, api: FakeApi, verb: str) -> None:
        result = command(verb, api.add_execution(short_log()))

        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == f"error: The execution is completed; it cannot {verb}.\nLook at it.\n"

    @pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "fork", "retry"])
    def test_what_does_not_exist(self, command: Command, verb: str) -> None:
        assert command(verb, "unknown").exit_code == 3


class TestCancel:
    def test_says_what_was_ended(self, command: Command, api: FakeApi) -> None:
        ended = [
            event(1, "execution.cancel_requested", by="local"),
            event(1, "call.failed", step="write", agent="writer", call="c", error=CANCELED, partial=True, value="Half"),
            event(1, "step.canceled", step="write", reason="what it is part of was canceled"),
            canceled(),
        ]
        execution = api.add_execution(numbered(*short_log()[:3], *ended))
        result = command("cancel", execution)

        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            f"{execution}  canceled",
            "■ writer write was broken off, having said:",
            "    Half",
            "■ write canceled: what it is part of was canceled",
            "■ canceled in 8.0 s  0 calls, 0 tokens in, 0 out, $0.0000",
        ]
        assert result.stderr == f"To go on from what was finished: meta-agents retry {execution}\n"

    @pytest.mark.parametrize(("options", "query"), [([], {"wait": "10"}), (["--wait", "60"], {"wait": "60"})])
    def test_waits_a_little(self, command: Command, api: FakeApi, options: list[str], query: dict[str, str]) -> None:
        execution = api.add_execution(short_log()[:2])

        assert command("cancel", execution, *options).exit_code == 0
        assert api.seen[0].query == query

    def test_what_is_still_ending_is_not_waited_for_longer(self, command: Command, api: FakeApi) -> None:
        api.is_slow_to_cancel = True
        execution = api.add_execution(short_log()[:2])
        result = command("cancel", execution)

        assert (result.exit_code, result.stdout) == (0, f"{execution}  canceling\n")
        assert result.stderr == (f"What is under way is still ending. Watch it: meta-agents watch {execution}\n")

    def test_nothing_need_be_waited_for(self, command: Command, api: FakeApi) -> None:
        execution = api.add_execution(short_log()[:2])

        assert command("cancel", execution, "--wait", "0").stdout == f"{execution}  canceling\n"
        assert api.seen[0].query == {}


class TestSend:
    @pytest.mark.parametrize(
        ("written", "value"),
        [([], None), (["3"], 3), (["three"], "three"), (['{"a": [1]}'], {"a": [1]}), (["null"], None)],
    )
    def test_what_is_written(self, command: Command, api: FakeApi, written: list[str], value: Any) -> None:
        execution = api.add_execution(short_log()[:2])
        result = command("send", execution, "go", *written, "--idempotency-key", "k")

        assert (result.exit_code, result.output) == (0, f"{execution}  sent go\n")
        (sent,) = api.requests("POST", f"/api/executions/{execution}/events/go")
        assert (sent.body, sent.headers["idempotency-key"]) == (value, "k")

    def test_a_file_and_standard_input(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        execution = api.add_execution(short_log()[:2])
        (tmp_path / "value.yaml").write_text("a: 1\n")
        command("send", execution, "go", f"@{tmp_path}/value.yaml")
        command("send", execution, "go", "-", input="[1, 2]")

        assert [seen.body for seen in api.seen] == [{"a": 1}, [1, 2]]

    def test_as_json(self, command: Command, api: FakeApi) -> None:
        execution = api.add_execution(short_log()[:2])

        assert json.loads(command("send", execution, "go", "3", "--json").stdout) == api.logs[execution][-1]

    def test_nobody_can_wait_for_it_any_more(self, command: Command, api: FakeApi) -> None:
        result = command("send", api.add_execution(numbered(started(), canceled())), "go")

        assert (result.exit_code, result.stderr) == (2, "error: The execution has ended.\nFork it.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["pause"],
        ["cancel", "x", "--wait", "61"],
        ["cancel", "x", "--wait", "-1"],
        ["cancel", ""],
        ["send", "x"],
        ["send", "x", ""],
        ["send", "x", "go", "@missing.yaml"],
        ["send", "x", "go", "-"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_said_without_asking_the_server(command: Command, api: FakeApi, arguments: list[str]) -> None:
    result = command(*arguments)

    assert result.exit_code == 2
    assert result.stderr != ""
    assert "Traceback" not in result.stderr
    assert api.seen == []


def test_somebody_without_the_role_is_told(command: Command, api: FakeApi) -> None:
    api.answers.append(problem(403, "forbidden", "You may not do that.", "Ask an operator."))
    result = command("pause", api.add_execution([]))

    assert (result.exit_code, result.stderr) == (4, "error: You may not do that.\nAsk an operator.\n")


def test_a_file_to_replay_that_is_not_there_is_said(command: Command) -> None:
    done = command("replay", "triage.zip")
    assert done.exit_code == 2
    assert "There is no file triage.zip" in done.stderr
