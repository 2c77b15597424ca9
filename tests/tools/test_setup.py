from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup, weights
from tools.setup import Piece


class Work:
    """Counts how often a piece was done; fails when told to."""

    def __init__(self, result: Path | None = None) -> None:
        self.times = 0
        self.result = result
        self.fails = False

    def __call__(self) -> None:
        self.times += 1
        if self.fails:
            raise setup.SetupError("no network")
        if self.result is not None:
            self.result.touch()


def piece(folder: Path, work: Work) -> Piece:
    return Piece("a piece", folder / "made" / "stamp", (folder / "input",), work, work.result)


def test_a_piece_is_done_once_and_again_when_its_input_changes(tmp_path: Path) -> None:
    work = Work()
    (tmp_path / "input").write_text("one")
    for _ in range(2):
        piece(tmp_path, work).do()
    assert work.times == 1
    (tmp_path / "input").write_text("two")
    piece(tmp_path, work).do()
    assert work.times == 2


def test_a_piece_that_failed_is_not_done(tmp_path: Path) -> None:
    work = Work()
    (tmp_path / "input").write_text("one")
    piece(tmp_path, work).do()
    (tmp_path / "input").write_text("two")
    work.fails = True
    with pytest.raises(setup.SetupError):
        piece(tmp_path, work).do()
    # Back to the input of the piece that was done: what is there now is neither.
    (tmp_path / "input").write_text("one")
    assert not piece(tmp_path, work).is_done()


def test_a_piece_whose_result_was_deleted_is_not_done(tmp_path: Path) -> None:
    work = Work(tmp_path / "result")
    (tmp_path / "input").touch()
    piece(tmp_path, work).do()
    assert piece(tmp_path, work).is_done()
    (tmp_path / "result").unlink()
    assert not piece(tmp_path, work).is_done()


def test_the_page_is_built_from_its_sources_alone(tmp_path: Path) -> None:
    for name in ("src/main.tsx", "index.html", "node_modules/x/index.js", "dist/index.html", ".cache/x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert setup.sources(tmp_path) == [tmp_path / "index.html", tmp_path / "src" / "main.tsx"]


def test_a_page_that_was_built_otherwise_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(arguments: list[str], folder: Path) -> None:
        shutil.rmtree(folder / "dist", ignore_errors=True)  # as Vite does
        (folder / "dist").mkdir()
        (folder / "dist" / "index.html").touch()

    monkeypatch.setattr(setup, "command", build)
    (tmp_path / "main.tsx").touch()
    setup.web_page(tmp_path).do()
    assert setup.web_page(tmp_path).is_done()
    build([], tmp_path)
    assert not setup.web_page(tmp_path).is_done()


@pytest.mark.parametrize(
    ("tests", "installed"),
    [
        (False, ["requirements-dev.txt"]),
        (True, ["requirements-dev.txt", "requirements-worker.txt", "tests/compat/requirements.txt"]),
    ],
)
def test_what_is_for_the_tests_alone_comes_last(
    tests: bool, installed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests" / "compat").mkdir(parents=True)
    for name in (
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-worker.txt",
        "tests/compat/requirements.txt",
    ):
        (tmp_path / name).touch()
    commands: list[list[str]] = []
    monkeypatch.setattr(setup, "command", lambda arguments, folder: commands.append([str(part) for part in arguments]))
    setup.set_up_python(tmp_path, tests=tests)
    commands = [command for command in commands if "pip" in command]
    assert [str(Path(command[-1]).relative_to(tmp_path)) for command in commands] == installed
    assert ["--no-deps" in command for command in commands] == [name != "requirements-dev.txt" for name in installed]
    assert ["--ignore-requires-python" in command for command in commands] == [
        name == "requirements-worker.txt" for name in installed
    ]


def test_missing_node_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(setup.SetupError, match=r"Node\.js 20 or later is needed, and `node` and `npm`"):
        setup.require_node()


def test_a_command_is_quiet_unless_it_fails(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    setup.command([sys.executable, "-c", "print('a wall of text')"], tmp_path)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        setup.command([sys.executable, "-c", "import sys; print('why'); sys.exit('because')"], tmp_path)
    assert sorted(failed.value.stdout.split()) == ["because", "why"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (subprocess.CalledProcessError(1, ["pip", Path("install")], "no such package"), "no such package"),
        (setup.SetupError("Node.js is needed"), "setup: Node.js is needed"),
        (weights.WeightsError("not the weights"), "setup: not the weights"),
    ],
)
def test_a_failure_is_shown_and_ends_with_an_error(
    error: Exception,
    shown: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(root: Path, *, tests: bool) -> None:
        raise error

    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "set_up", fail)
    monkeypatch.setattr(sys, "argv", ["setup"])
    assert setup.main() == 1
    assert capsys.readouterr().err.startswith(shown)
