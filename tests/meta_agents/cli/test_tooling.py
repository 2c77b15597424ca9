"""`tool` and what follows it, over the stand-in for the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from meta_agents import Client
from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi, Server

FOUND = {"version": 2, "seconds": 0.125, "result": {"id": 7}, "error": None}
FAILED = {
    "version": 2,
    "seconds": 0.125,
    "result": None,
    "error": {"code": "tool_failed", "message": "It broke.", "action": "Mend it.", "fault": "tool"},
}
LOOKS_UP = {"name": "look-up", "function": "look-up", "delivery": "idempotent"}
ITEM = {"name": "list-pets", "change": "created", "version": 1, "definition": {"name": "list-pets"}}


def answer(api: FakeApi, body: Any) -> None:
    api.answers.append(JSONResponse(body))


def stored(definition: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "definition": definition}


class TestCall:
    def test_arguments_that_are_no_json_are_named_by_their_option(self, command: Command) -> None:
        assert "--args is not JSON" in command("tool", "call", "look-up", "--args", "{").stderr

    def test_what_it_gives_is_on_standard_output(self, command: Command, api: FakeApi) -> None:
        answer(api, FOUND)
        done = command("tool", "call", "look-up", "--args", '{"id": 7}', "--set", "deep=true", "--idempotency-key", "k")
        assert (done.exit_code, json.loads(done.stdout)) == (0, {"id": 7})
        assert "0.125 s, version 2" in done.stderr
        seen = api.seen[-1]
        assert (seen.method, seen.path) == ("POST", "/api/tools/look-up/call")
        assert seen.body == {"arguments": {"id": 7, "deep": True}}
        assert seen.headers["idempotency-key"] == "k"

    def test_all_of_it_as_json(self, command: Command, api: FakeApi) -> None:
        answer(api, FOUND)
        done = command("tool", "call", "look-up", "--version", "2", "--json")
        assert json.loads(done.stdout) == FOUND
        assert api.seen[-1].body == {"arguments": {}, "version": 2}

    def test_a_failure_is_an_exit_code(self, command: Command, api: FakeApi) -> None:
        answer(api, FAILED)
        done = command("tool", "call", "look-up")
        assert (done.exit_code, done.stdout) == (1, "")
        assert "tool_failed: It broke.\nMend it." in done.stderr

    def test_text_of_a_tool_does_not_reach_the_terminal_raw(self, command: Command, api: FakeApi) -> None:
        answer(api, {**FOUND, "result": "\x1b[2Jgone"})
        assert "\x1b" not in command("tool", "call", "look-up").stdout

    def test_arguments_are_an_object(self, command: Command, api: FakeApi) -> None:
        assert command("tool", "call", "look-up", "--args", "[1]").exit_code == 2
        assert api.seen == []


class TestCheck:
    def test_stored_tools_are_checked(self, command: Command, api: FakeApi) -> None:
        kept = [LOOKS_UP, {**LOOKS_UP, "name": "other"}]
        listed = {"items": [{"name": one["name"], "version": 1} for one in kept], "continuation": None}
        bad = {"valid": False, "errors": [{"pointer": "/examples/0/arguments/id", "message": "this key is needed"}]}
        odd = {"pointer": "/function", "message": "this deployment knows no tool function `look-up`"}
        for body in (listed, *(stored(one) for one in kept), {"results": [{"valid": True, "warnings": [odd]}, bad]}):
            answer(api, body)
        done = command("tool", "check")
        assert done.exit_code == 2
        assert "ok       look-up" in done.stdout
        assert "warning  look-up  /function: this deployment knows no" in done.stdout
        assert "mistake  other  /examples/0/arguments/id: this key is needed" in done.stdout
        assert "2 tools, 1 with mistakes" in done.stdout

    def test_examples_are_called_where_that_does_no_harm(self, command: Command, api: FakeApi) -> None:
        examples = [{"arguments": {"id": 7}, "result": {"id": 7}}, {"arguments": {"id": 8}, "result": {"id": 8}}]
        looks_up = {**LOOKS_UP, "examples": examples}
        writes = {**looks_up, "name": "write", "delivery": "at_most_once"}
        valid = {"results": [{"valid": True}, {"valid": True}]}
        for body in (stored(looks_up), stored(writes), valid, FOUND, FOUND):
            answer(api, body)
        done = command("tool", "check", "look-up", "write", "--call")
        assert done.exit_code == 2
        assert "mistake  look-up  /examples/1/result" in done.stdout
        assert [seen.path for seen in api.seen if seen.path.endswith("/call")] == ["/api/tools/look-up/call"] * 2


class TestImport:
    DOCUMENT = (
        "openapi: 3.0.0\npaths:\n  /pets:\n    get: {operationId: listPets, responses: {200: {description: ok}}}\n"
    )

    @pytest.fixture
    def file(self, tmp_path: Path) -> str:
        (tmp_path / "pets.yaml").write_text(self.DOCUMENT)
        return str(tmp_path / "pets.yaml")

    def test_the_document_is_sent_and_what_was_made_is_said(self, command: Command, api: FakeApi, file: str) -> None:
        answer(api, {"items": [ITEM], "left": [{"operation": "upload", "reason": "It is no JSON."}], "notes": []})
        done = command("tool", "import", file, "--all", "--secret", "petKey=PETS", "--server", "https://x.example")
        assert done.exit_code == 0
        assert "created    tool      list-pets  version 1" in done.stdout
        assert "upload: It is no JSON." in done.stderr
        seen = api.seen[-1]
        assert seen.body["paths"]["/pets"]["get"]["responses"] == {"200": {"description": "ok"}}
        assert seen.query == {"secret": "petKey:PETS", "server": "https://x.example"}

    def test_a_document_at_an_address_is_read_by_the_command(
        self, command: Command, api: FakeApi, server: Server
    ) -> None:
        answer(api, {"openapi": "3.1.0", "servers": [{"url": "/v2"}], "paths": {}})
        answer(api, {"items": [ITEM]})
        url = f"{server.url}/openapi.json"
        assert command("tool", "import", url, "--all").exit_code == 0
        fetched, sent = api.seen[-2:]
        assert (fetched.method, fetched.path) == ("GET", "/openapi.json")
        # The token is for the app, and for nobody else.
        assert "authorization" not in fetched.headers
        assert sent.query == {"server": url}

    def test_an_address_without_one_says_so(self, command: Command, api: FakeApi, server: Server) -> None:
        done = command("tool", "import", f"{server.url}/nowhere", "--all")
        assert done.exit_code == 2
        assert "cannot be read" in done.stderr

    def test_it_may_only_be_shown(self, command: Command, api: FakeApi, file: str) -> None:
        answer(api, {"items": [{**ITEM, "change": "shown", "version": None}]})
        assert command("tool", "import", file, "--operation", "listPets", "--show").stdout == "---\nname: list-pets\n"
        assert api.seen[-1].query == {"operation": "listPets", "keep": "false"}

    @pytest.mark.parametrize("options", [[], ["--all", "--operation", "x"], ["--all", "--secret", "x"]])
    def test_what_is_not_understood_is_not_sent(
        self, command: Command, api: FakeApi, file: str, options: list[str]
    ) -> None:
        assert command("tool", "import", file, *options).exit_code == 2
        assert api.seen == []


class TestDiscover:
    TOOLS = {  # noqa: RUF012
        "items": [
            {
                "tool": "now",
                "definition": {"name": "time-now", "description": "\x1b[2JNow."},
                "notes": ["Left out: x."],
            },
            {"tool": "odd", "definition": None, "notes": ["Its schema is too large for a tool."]},
        ]
    }

    def test_servers(self, command: Command, api: FakeApi) -> None:
        answer(api, {"items": [{"name": "time", "transport": "stdio"}]})
        assert command("tool", "discover").stdout == "time  stdio\n"

    def test_what_it_offers_is_shown(self, command: Command, api: FakeApi) -> None:
        answer(api, self.TOOLS)
        done = command("tool", "discover", "time")
        assert "name: time-now" in done.stdout
        assert "\x1b" not in done.stdout
        assert "odd: Its schema is too large for a tool." in done.stderr
        assert api.definitions["tools"] == {}

    def test_for_programs(self, command: Command, api: FakeApi) -> None:
        answer(api, {"items": [{"name": "time", "transport": "stdio"}]})
        assert json.loads(command("tool", "discover", "--json").stdout) == [{"name": "time", "transport": "stdio"}]
        answer(api, self.TOOLS)
        found = json.loads(command("tool", "discover", "time", "--tool", "odd", "--json").stdout)
        assert [one["tool"] for one in found] == ["odd"]

    def test_a_tool_that_it_does_not_offer(self, command: Command, api: FakeApi) -> None:
        answer(api, self.TOOLS)
        done = command("tool", "discover", "time", "--tool", "later")
        assert (done.exit_code, "no tool 'later'" in done.stderr) == (2, True)

    def test_and_kept_when_asked(self, command: Command, api: FakeApi) -> None:
        answer(api, self.TOOLS)
        assert "time-now  version 1" in command("tool", "discover", "time", "--import", "--tool", "now").stdout
        assert list(api.definitions["tools"]) == ["time-now"]

    def test_what_it_does_not_offer_is_said(self, command: Command, api: FakeApi) -> None:
        answer(api, self.TOOLS)
        done = command("tool", "discover", "time", "--tool", "nwo")
        assert (done.exit_code, done.stdout) == (2, "")
        assert "offers no tool 'nwo'" in done.stderr
        assert "now, odd" in done.stderr
        assert command("tool", "discover", "--import").exit_code == 2


def test_functions(command: Command, api: FakeApi, client: Client) -> None:
    one = {"name": "look-up", "description": "Looks.\nLong.", "input": {"properties": {"id": {}}}, "takes_key": True}
    answer(api, {"items": [one]})
    assert command("tool", "functions").stdout == "look-up(id)  Looks.\n"
    answer(api, {"items": [one]})
    assert json.loads(command("tool", "functions", "--json").stdout) == [one]
