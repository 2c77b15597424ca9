from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import pythons
from tools.processes import ROOT


def fake(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))


def test_one_on_the_path_is_found(tmp_path: Path) -> None:
    path = fake(tmp_path / "bin" / "python3.88", "echo 3.88")
    assert pythons.find("3.88") == path


def test_one_of_pyenv_is_found_where_the_path_has_only_its_name(tmp_path: Path) -> None:
    fake(tmp_path / "bin" / "python3.88", "echo no such version >&2; exit 127")
    fake(tmp_path / "pyenv" / "versions" / "3.88.1" / "bin" / "python", "echo 3.88")
    newest = fake(tmp_path / "pyenv" / "versions" / "3.88.2" / "bin" / "python", "echo 3.88")
    assert pythons.find("3.88") == newest


def test_one_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(pythons, "VERSIONS", ("3.88",))
    assert pythons.main([]) == 0
    assert capsys.readouterr().out == "Python 3.88 is not installed: nothing was run on it.\n"


def test_the_worker_library_is_installed_as_it_asks_for_where_it_can_be() -> None:
    assert list(pythons.installs("3.13"))[-1] == ["-r", "requirements-worker.txt"]
    assert "--ignore-requires-python" in list(pythons.installs("3.12"))[-1]


def test_an_environment_is_made_once_for_what_it_is_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[object]] = []

    def run(arguments: list[object]) -> None:
        ran.append(arguments)
        (tmp_path / "3.88").mkdir(exist_ok=True)

    monkeypatch.setattr(pythons, "_run", run)
    for _ in range(2):
        assert pythons.prepared("3.88", Path("/python"), tmp_path) == tmp_path / "3.88" / "bin" / "python"
    assert len(ran) == 3
    pythons.prepared("3.88", Path("/another"), tmp_path)
    assert len(ran) == 6


def test_the_template_offers_what_is_tested() -> None:
    template = (ROOT / "infra" / "bicep" / "main.bicep").read_text()
    allowed = re.search(r"@allowed\(\[([^\]]*)\]\)\n@description\([^\n]*\)\nparam pythonVersion", template)
    assert allowed is not None
    assert re.findall(r"'([\d.]+)'", allowed[1]) == ["3.11", *pythons.VERSIONS]


def test_the_tests_that_are_run_are_there() -> None:
    assert [name for name in pythons.TESTS if not (ROOT / "tests" / name).is_dir()] == []
