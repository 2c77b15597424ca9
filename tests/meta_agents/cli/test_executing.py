from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi, Stream, problem
from tests.meta_agents.samples import (
    asked,
    call_completed,
    canceled,
    completed,
    event,
    failed,
    frames,
    numbered,
    short_log,
    started,
)

ENDS = [(short_log(), 0), (numbered(started(), failed()), 1), (numbered(started(), canceled()), 6)]


class TestRun:
    def test_shows_progress_apart_from_the_output(self, command: Command, api: FakeApi) -> None:
        api.next_log = short_log("Tea is fine.")
        result = command("run", "brief", "--input", '{"product": "tea"}', "--set", "count=2")

        assert result.exit_code == 0
        assert result.stdout == "Tea is fine.\n"
        (execution,) = api.executions
        assert result.stderr.splitlines() == [
            f"execution {execution}",
            "▶ brief, version 1",
            "● write agent",
            "writer write  1.5 s, 10 in, 5 out",
            "    Tea is fine.",
            "✓ completed in 8.0 s  1 call, 10 tokens in, 5 out, $0.0010",
        ]
        assert api.seen[0].body == {"workflow": "brief", "input": {"product": "tea", "count": 2}}

    def test_an_output_that_is_data_is_json(self, command: Command, api: FakeApi) -> None:
        api.next_log = short_log({"headline": "Tée"})

        assert json.loads(command("run", "brief").stdout) == {"headline": "Tée"}

    def test_a_file_of_an_unpublished_workflow(self, command: Command, api: FakeApi, tmp_path: Any) -> None:
        (tmp_path / "draft.yaml").write_text("name: draft\nsteps: [{id: a, agent: writer}]\n")
        api.next_log = short_log()

        assert command("run", f"@{tmp_path}/draft.yaml").exit_code == 0
        assert api.seen[0].body["definition"]["name"] == "draft"

    def test_input_from_standard_input(self, command: Command, api: FakeApi) -> None:
        api.next_log = short_log()
        command("run", "brief", "--input", "-", input='{"product": "tea"}')

        assert api.seen[0].body["input"] == {"product": "tea"}

    def test_detached(self, command: Command, api: FakeApi) -> None:
        result = command("run", "brief", "--detach", "--idempotency-key", "k-1")

        assert (result.exit_code, result.output) == (0, f"{next(iter(api.executions))}\n")
        assert api.seen[0].headers["idempotency-key"] == "k-1"
        assert len(api.seen) == 1

    def test_with_a_webhook(self, command: Command, api: FakeApi) -> None:
        command("run", "brief", "--detach", "--webhook", "https://a.example/x")

        assert api.seen[0].body["webhook"] == {"url": "https://a.example/x"}

    @pytest.mark.parametrize("options", [["--json"], ["--json", "--detach"]])
    def test_as_json(self, command: Command, api: FakeApi, options: list[str]) -> None:
        api.next_log = short_log()
        result = command("run", "brief", *options)

        assert json.loads(result.output) == next(iter(api.executions.values()))

    @pytest.mark.parametrize(("log", "code"), ENDS)
    @pytest.mark.parametrize("options", [[], ["--json"]])
    def test_the_exit_code_tells_the_end(
        self, command: Command, api: FakeApi, log: list[Any], code: int, options: list[str]
    ) -> None:
        api.next_log = log

        assert command("run", "brief", *options).exit_code == code

    def test_a_failure_says_why_and_what_to_do(self, command: Command, api: FakeApi) -> None:
        api.next_log = numbered(started(), failed())
        result = command("run", "brief")

        assert result.stdout == ""
        assert "The model did not answer.\n    Check that it runs." in result.stderr
        assert f"meta-agents retry {next(iter(api.executions))}" in result.stderr

    def test_a_lost_connection_is_told_and_made_again(self, command: Command, api: FakeApi) -> None:
        api.next_log = short_log()
        api.streams.append(Stream((frames(short_log()[:2]),), "cut"))
        result = command("run", "brief")

        assert result.exit_code == 0
        assert result.stderr.count("The connection was lost; trying again …") == 1
        assert result.stderr.count("▶ brief") == 1

    def test_an_answer_kept_apart_is_loaded(self, command: Command, api: FakeApi) -> None:
        api.next_log = numbered(*short_log()[:2], call_completed("write", "writer", None, artifact="sha"), failed())
        api.artifacts["sha"] = "A very long answer."

        assert "    A very long answer.\n" in command("run", "brief").stderr

    def test_whoever_is_needed_sees_how_to_answer(self, command: Command, api: FakeApi) -> None:
        api.next_log = numbered(*short_log()[:4], asked(show="Tea is fine."), completed())
        result = command("run", "brief")

        assert (result.exit_code, result.stdout) == (0, "Done.\n")
        assert result.stderr.splitlines()[-5:-1] == [
            "? sign-off asks operator: Publish this?",
            "    Tea is fine.",
            "    meta-agents approve q-sign-off",
            "    meta-agents reject q-sign-off",
        ]

    def test_whoever_is_needed_is_told_beside_the_json(self, command: Command, api: FakeApi) -> None:
        needed = [
            event(1, "step.waiting", step="hold", **{"for": "event", "event": "go"}),
            event(1, "step.waiting", step="write", call="c", **{"for": "resume"}),
            event(1, "execution.paused", by="ann"),
            {**asked(), "value": None, "artifact": "sha"},
        ]
        api.artifacts["sha"] = {"ask": "Publish this long thing?", "show": None}
        api.next_log = numbered(*short_log()[:4], *needed, completed())
        result = command("run", "brief", "--json")

        (execution,) = api.executions
        assert json.loads(result.stdout)["id"] == execution
        assert result.stderr.splitlines() == [
            "◷ hold waits for the event go",
            f"    meta-agents send {execution} go",
            "‖ paused by ann: what is under way ends, nothing new begins",
            f"    meta-agents resume {execution}",
            "? sign-off asks operator: Publish this long thing?",
            "    meta-agents approve q-sign-off",
            "    meta-agents reject q-sign-off",
        ]

    def test_the_record_may_be_a_moment_behind_the_log(self, command: Command, api: FakeApi) -> None:
        ended = api.executions[api.add_execution(short_log())]
        running = JSONResponse(ended | {"status": "running"})
        stream = Response(frames(short_log()), media_type="text/event-stream")
        api.answers += [running, stream, running, running, JSONResponse(ended)]

        assert json.loads(command("retry", ended["id"], "--json").stdout) == ended
        assert not api.answers


class TestWatch:
    @pytest.mark.parametrize(("log", "code"), ENDS)
    def test_from_the_beginning_to_the_end(self, command: Command, api: FakeApi, log: list[Any], code: int) -> None:
        result = command("watch", api.add_execution(log))

        assert result.exit_code == code
        assert result.stdout.startswith("▶ brief, version 1\n")

    @pytest.mark.parametrize(("log", "code"), ENDS)
    def test_as_json_lines(self, command: Command, api: FakeApi, log: list[Any], code: int) -> None:
        result = command("watch", api.add_execution(log), "--json")

        assert result.exit_code == code
        assert [json.loads(line) for line in result.stdout.splitlines()] == log


class TestRetry:
    def test_goes_on_as_a_new_execution(self, command: Command, api: FakeApi) -> None:
        old = api.add_execution(numbered(started(), failed()))
        api.next_log = short_log("Now it works.")
        result = command("retry", old)

        assert (result.exit_code, result.stdout) == (0, "Now it works.\n")
        assert [record["retry_of"] for record in api.executions.values()] == [None, old]

    def test_detached(self, command: Command, api: FakeApi) -> None:
        old = api.add_execution(numbered(started(), failed()))
        result = command("retry", old, "--detach")

        assert result.stdout.strip() in api.executions
        assert result.stdout.strip() != old

    def test_with_a_key_it_is_started_once(self, command: Command, api: FakeApi) -> None:
        command("retry", api.add_execution(numbered(started(), failed())), "--detach", "--idempotency-key", "k")

        assert api.seen[-1].headers["idempotency-key"] == "k"


class TestErrors:
    def test_bad_input_points_at_the_fields(self, command: Command, api: FakeApi) -> None:
        fields = [{"pointer": "/product", "message": "is missing"}, {"pointer": "", "message": "is odd"}]
        api.answers.append(problem(422, "invalid_input", "The input is not valid.", "Correct it.", *fields))
        result = command("run", "brief")

        assert result.exit_code == 2
        assert result.stderr.splitlines() == [
            "error: The input is not valid.",
            "  /product: is missing",
            "  /: is odd",
            "Correct it.",
        ]

    @pytest.mark.parametrize(
        ("status", "code", "exit_code"),
        [
            (400, "invalid_request", 2),
            (401, "unauthenticated", 4),
            (403, "forbidden", 4),
            (404, "not_found", 3),
            (409, "conflict", 2),
            (412, "precondition_failed", 2),
            (413, "too_large", 2),
            (429, "platform_failed", 5),
            (503, "platform_failed", 5),
        ],
    )
    def test_exit_codes(self, command: Command, api: FakeApi, status: int, code: str, exit_code: int) -> None:
        api.answers.append(problem(status, code, "It was refused.", "Do better."))
        result = command("list")

        assert (result.exit_code, result.output) == (exit_code, "error: It was refused.\nDo better.\n")

    @pytest.mark.parametrize("arguments", [["watch", "unknown"], ["run", "missing"], ["get", "agent", "unknown"]])
    def test_what_does_not_exist(self, command: Command, arguments: list[str]) -> None:
        assert command(*arguments).exit_code == 3

    def test_a_wrong_token(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("META_AGENTS_TOKEN", "wrong")

        assert command("list").exit_code == 4

    @pytest.mark.parametrize("arguments", [["list"], ["run", "brief"], ["watch", "x"], ["apply", "team.yaml"]])
    def test_nobody_there(self, command: Command, tmp_path: Any, arguments: list[str]) -> None:
        (tmp_path / "team.yaml").write_text("name: writer\ninstructions: Write.\n")
        result = command("--url", "http://127.0.0.1:9", *arguments)

        assert result.exit_code == 5
        assert result.stderr.startswith("error: http://127.0.0.1:9 did not answer: ")

    def test_a_page_of_somebody_else(self, command: Command, server: Any) -> None:
        assert command("--url", f"{server.url}/elsewhere", "get", "agent", "x").exit_code == 3

    @pytest.mark.parametrize(
        "arguments",
        [
            ["run"],
            ["run", "brief", "--input", "{"],
            ["run", "brief", "--set", "k"],
            ["run", "@missing.yaml"],
            ["run", "brief", "--unknown"],
            ["nonsense"],
            ["list", "things"],
            ["list", "agents", "--status", "failed"],
            ["list", "--limit", "0"],
            ["get", "agent"],
            ["get", "agent", ""],
            ["get", "agent", "x", "--json", "--yaml"],
            ["get", "execution", "x", "--version", "2"],
            ["get", "approval", "x", "--version", "2"],
            ["delete", "execution", "x"],
            ["delete", "approval", "x"],
            ["apply"],
            ["apply", "missing.yaml"],
            ["--url", "nowhere", "list"],
        ],
        ids=" ".join,
    )
    def test_wrong_usage_is_said_without_asking_the_server(
        self, command: Command, api: FakeApi, arguments: list[str]
    ) -> None:
        result = command(*arguments)

        assert result.exit_code == 2
        assert result.stderr != ""
        assert "Traceback" not in result.stderr
        assert api.seen == []
