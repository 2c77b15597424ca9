from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.check import faults, main

SECRET = "a-key-that-nobody-may-see"


def file_with(path: Path, content: object) -> str:
    file = path / "local.settings.json"
    file.write_text(json.dumps(content))
    return str(file)


def test_it_names_what_is_set_and_never_to_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = file_with(tmp_path, {"Values": {"OPENAI_API_KEY": SECRET, "MODEL_CONCURRENCY": 3, "ELSE": "x"}})
    assert main([file], {"MODEL_NAME": "m", "PATH": "/bin"}) == 0
    out, err = capsys.readouterr()
    assert out == "The configuration can be used. Set: MODEL_CONCURRENCY, MODEL_NAME, OPENAI_API_KEY.\n"
    assert err == ""


def test_without_anything_it_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {}) == 0
    assert capsys.readouterr().out == "The configuration can be used. Set: nothing.\n"


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = file_with(tmp_path, {"Values": {"MODEL_TIMEOUT": "soon"}})
    assert main([file], {}) == 1
    assert main([file], {"MODEL_TIMEOUT": "5"}) == 0


def test_all_that_a_start_would_refuse_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {"AzureSignalRConnectionString": f"AccessKey={SECRET}", "MODELS_FILE": "/nowhere.yaml"}
    assert main([], {**wrong, "BLOB_CONNECTION_STRING": f"AccountKey={SECRET}"}) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(":")[0] for line in err.splitlines()] == [*wrong, "BLOB_CONNECTION_STRING"]
    assert SECRET not in err


def test_what_was_probably_meant_is_told_and_does_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {"MODEL_TIMOUT": "5"}) == 0
    assert capsys.readouterr().err == "MODEL_TIMOUT: nothing reads it; was MODEL_TIMEOUT meant?\n"


@pytest.mark.parametrize("content", [{}, [], {"Values": 1}, "text"])
def test_a_file_of_another_kind_is_said(content: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([file_with(tmp_path, content)], {}) == 2
    assert "no local.settings.json that can be read" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert main([str(tmp_path / "nothing")], {}) == 2


def test_faults_are_lines_or_nothing() -> None:
    assert faults({}) == ""
    assert faults({"MODEL_TIMEOUT": "x"}).startswith("MODEL_TIMEOUT: ")
