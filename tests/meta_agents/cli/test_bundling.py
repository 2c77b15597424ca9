from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, Response

from tests.meta_agents.cli.conftest import Command
from tests.meta_agents.fake_api import FakeApi, problem
from tests.meta_agents.samples import short_log

ID = "1" * 32


class TestExport:
    def test_to_standard_output(self, command: Command, api: FakeApi) -> None:
        api.answers.append(Response('{"a": "é"}'))
        assert command("export", ID).stdout == '{"a": "é"}\n'
        assert (api.seen[-1].path, api.seen[-1].query) == (f"/api/executions/{ID}/bundle", {})

    def test_to_a_file(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        file = tmp_path / "x.json"
        file.write_text("before")
        api.answers.append(Response(b"{}"))
        result = command("export", ID, "-o", str(file))

        assert (result.stdout, result.stderr) == ("", f"{file}  2 bytes\n")
        assert file.read_bytes() == b"{}"
        assert os.listdir(tmp_path) == ["x.json"]

    @pytest.mark.parametrize("arguments", [["-o", "x.zip"], ["-o", "x", "--zip"], ["--zip"]])
    def test_a_zip(self, command: Command, api: FakeApi, arguments: list[str]) -> None:
        api.answers.append(Response(b"PK\x03\x04"))
        result = command("export", ID, *arguments)

        assert api.seen[-1].query == {"format": "zip"}
        assert (Path(arguments[1]).read_bytes() if "-o" in arguments else result.stdout_bytes) == b"PK\x03\x04"

    def test_what_is_refused_leaves_the_file_as_it_was(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        file = tmp_path / "x.json"
        file.write_text("before")
        api.answers.append(problem(413, "too_large", "It is too large.", "Read its log."))
        result = command("export", ID, "-o", str(file))

        assert (result.exit_code, file.read_text()) == (2, "before")
        assert "It is too large.\nRead its log.\n" in result.stderr

    def test_a_folder_that_is_not_there(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        api.answers.append(Response(b"{}"))
        result = command("export", ID, "-o", str(tmp_path / "no" / "x.json"))

        assert result.exit_code == 2
        assert "cannot be written" in result.stderr

    def test_a_device_is_written_to_and_not_replaced(self, command: Command, api: FakeApi) -> None:
        api.answers.append(Response(b"{}"))
        assert command("export", ID, "-o", "/dev/null").exit_code == 0
        assert Path("/dev/null").is_char_device()


class TestImport:
    def test_a_file(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        record = api.executions[api.add_execution(short_log(), imported_from=ID)]
        file = tmp_path / "x.json"
        file.write_text('{"a": 1}')
        for _ in range(2):
            api.answers.append(JSONResponse(record, 201))

        assert command("import", str(file)).stdout == f"{record['id']}  completed  imported from {ID}\n"
        assert (api.seen[-1].path, api.seen[-1].body) == ("/api/executions/import", {"a": 1})
        assert json.loads(command("import", str(file), "--json", "--idempotency-key", "k").stdout) == record
        assert api.seen[-1].headers["idempotency-key"] == "k"

    def test_standard_input(self, command: Command, api: FakeApi) -> None:
        record = api.executions[api.add_execution(short_log(), imported_from=ID)]
        api.answers.append(JSONResponse(record, 201))
        assert command("import", "-", input='{"a": 1}').exit_code == 0
        assert api.seen[-1].body == {"a": 1}

    def test_a_file_that_is_not_there(self, command: Command, api: FakeApi) -> None:
        result = command("import", "nothing.json")
        assert (result.exit_code, api.seen) == (2, [])
        assert "nothing.json cannot be read" in result.stderr

    def test_what_is_wrong_is_said_field_by_field(self, command: Command, api: FakeApi, tmp_path: Path) -> None:
        bad = {"pointer": "/events/3/id", "message": "another event has this id"}
        api.answers.append(problem(400, "invalid_request", "It cannot be imported.", "Export it again.", bad))
        (tmp_path / "x").write_text("{}")
        result = command("import", str(tmp_path / "x"))

        assert result.exit_code == 2
        assert "/events/3/id: another event has this id" in result.stderr
