"""What would fail half-way is told first; what cannot be asked is no reason to stop."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tools.delivery import preflight


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH to put programs on."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AZURE_LOCATION", "westeurope")
    return tmp_path


def program(folder: Path, name: str, source: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport sys\n{source}\n")
    path.chmod(0o755)


def node(folder: Path, version: str) -> None:
    program(folder, "node", f"print({version!r})")
    program(folder, "npm", "")


def az(folder: Path, schedulers: list[str], flex: list[str]) -> None:
    answers = json.dumps({"provider": schedulers, "functionapp": flex})
    program(folder, "az", f"import json; print(json.dumps(json.loads({answers!r})[sys.argv[1]]))")


def test_all_is_well(programs: Path) -> None:
    node(programs, "v20.1.0")
    az(programs, ["North Europe", "West Europe"], ["westeurope"])
    assert preflight.main() == 0


def test_a_region_without_the_scheduler_is_told_with_those_that_have_it(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node(programs, "v22.0.0")
    az(programs, ["North Europe"], ["westeurope"])
    assert preflight.main() == 1
    assert "westeurope does not offer Durable Task Scheduler; these do: North Europe." in capsys.readouterr().err


@pytest.mark.parametrize("version", ["v18.20.0", "odd"])
def test_an_old_node_is_told(programs: Path, version: str, capsys: pytest.CaptureFixture[str]) -> None:
    node(programs, version)
    assert preflight.main() == 1
    assert version in capsys.readouterr().err


def test_no_node_is_told(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.main() == 1
    assert "was not found" in capsys.readouterr().err


def test_what_cannot_be_asked_passes(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node(programs, "v20.1.0")
    assert preflight.main() == 0
    program(programs, "az", "sys.exit('Please run az login')")
    assert preflight.main() == 0
    assert capsys.readouterr().out.count("could not be asked") == 4


def test_the_first_time_azd_has_not_asked_for_a_region_yet(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_LOCATION")
    node(programs, "v20.1.0")
    assert preflight.main() == 0
