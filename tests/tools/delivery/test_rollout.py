"""Rollouts for real: what is published runs; what is not well makes way for the last that was."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from meta_agents import Client
from tests.crash.system import TOKEN, settings_unset
from tests.docs.az import wrong_with
from tests.tools.delivery.fake_platform import Platform
from tools.delivery import package, publish, rollback, rollout

QUICK = ["--in-a-row", "2", "--every", "0.05", "--patience", "3"]
BROKEN = "raise RuntimeError('this version cannot be loaded')\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By build; `broken` cannot be loaded, `nameless` is as `azd deploy` makes it."""
    folder = tmp_path_factory.mktemp("packages")
    found = {build: folder / f"{build}.zip" for build in ("one", "two", "broken", "nameless")}
    for build, path in found.items():
        package.make(path, build=build)
    with zipfile.ZipFile(found["broken"], "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("function_app.py", BROKEN)
    without_name(found["nameless"])
    return found


def without_name(path: Path) -> None:
    whole = path.with_suffix(".whole")
    shutil.move(path, whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for name in set(source.namelist()) - {"build.txt"}:
            target.writestr(name, source.read(name))


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    with Platform(tmp_path, monkeypatch, settings_unset()) as running:
        yield running


def arguments(platform: Platform) -> list[str]:
    place = ["--resource-group", "rg", "--app", "func"]
    return ["--url", platform.url, *place, *QUICK]


def roll_out(platform: Platform, path: Path) -> int:
    return rollout.main([str(path), *arguments(platform)])


def build_of(platform: Platform) -> str | None:
    with Client(platform.url, TOKEN) as client:
        return client.health(deep=True).build


def test_a_version_follows_another_and_executions_go_on(
    platform: Platform, packages: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    platform.run(packages["one"])
    with Client(platform.url, TOKEN) as client:
        steps = [{"id": "wait", "wait": {"event": "go"}}]
        client.workflows.put({"name": "patient", "steps": steps, "output": "Done."})
        waiting = client.executions.start("patient", {}).id
        assert roll_out(platform, packages["two"]) == 0
        assert build_of(platform) == "two"
        client.executions.send(waiting, "go", None)
        list(client.executions.follow(waiting))
        assert client.executions.get(waiting).output == "Done."
    assert {path.name for path in (platform.blobs / "kept").iterdir()} == {"one.zip", "two.zip"}
    assert "follows by RollingUpdate" in capsys.readouterr().out
    assert [line for call in platform.calls() for line in wrong_with(call)] == []


def test_one_that_does_not_start_makes_way_for_the_last(platform: Platform, packages: dict[str, Path]) -> None:
    platform.run(packages["one"])
    assert roll_out(platform, packages["broken"]) == 1
    assert platform.published == ["one", "broken", "one"]
    assert build_of(platform) == "one"


def test_what_azd_deployed_is_kept_without_a_name_and_brought_back(
    platform: Platform, packages: dict[str, Path]
) -> None:
    platform.run(packages["nameless"])
    stale = platform.blobs / "kept" / "unnamed.zip"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"one without a name, of long ago")
    assert roll_out(platform, packages["broken"]) == 1
    assert platform.published == ["", "broken", ""]
    assert build_of(platform) is None


def test_the_first_that_is_not_well_has_nothing_to_go_back_to(
    platform: Platform, packages: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert roll_out(platform, packages["broken"]) == 1
    assert "nothing to go back to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("refuses", "status", "said"),
    [(409, 4, "Another deployment"), (500, 4, "was not taken: 500"), (None, 3, "was failed: as told")],
)
def test_a_package_that_is_not_taken_is_said(
    platform: Platform,
    packages: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    refuses: int,
    status: int,
    said: str,
) -> None:
    platform.refuses, platform.status = refuses, status
    assert roll_out(platform, packages["two"]) == 1
    assert said in capsys.readouterr().err


def test_an_app_that_stands_by_gets_the_package_and_no_more(
    platform: Platform, packages: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--resource-group", "rg", "--app", "func"]
    assert publish.main([str(packages["two"]), *place]) == 0
    assert platform.published == ["two"]
    platform.refuses = 409
    assert publish.main([str(packages["two"]), *place]) == 1
    assert "Another deployment" in capsys.readouterr().err


def test_what_is_no_package_changes_nothing(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "odd.zip").write_text("odd")
    assert roll_out(platform, tmp_path / "odd.zip") == 1
    assert platform.published == []


def test_a_build_is_brought_back_by_hand(
    platform: Platform, packages: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    platform.run(packages["one"])
    assert roll_out(platform, packages["two"]) == 0
    assert rollback.main(["one", *arguments(platform)]) == 0
    assert build_of(platform) == "one"
    assert rollback.main(["none", *arguments(platform)]) == 1
    assert "no kept package of build none" in capsys.readouterr().err


def test_az_that_fails_or_is_missing_is_said(
    platform: Platform, packages: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.run(packages["one"])
    (platform.blobs / "released-package.zip").unlink()
    assert roll_out(platform, packages["two"]) == 1
    assert "ERROR: The specified blob does not exist." in capsys.readouterr().err
    monkeypatch.setenv("PATH", "/nowhere")
    assert roll_out(platform, packages["two"]) == 1
    assert "az) is not installed" in capsys.readouterr().err


def test_the_scripts_are_run_by_name() -> None:
    for name in ("package", "publish", "gate", "smoke", "rollout", "rollback"):
        command = [".venv/bin/python", "-m", f"tools.delivery.{name}", "--help"]
        assert subprocess.run(command, cwd=package.ROOT, capture_output=True, check=False).returncode == 0
