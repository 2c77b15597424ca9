from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from tools import start
from tools.processes import Child


class Fake(Child):
    """Stands in for the model server or the host: says it is ready, then waits; ends by itself when told to."""

    READY = "ready: "
    journal: ClassVar[list[str]] = []

    def __init__(self, name: str, *, ends: bool = False) -> None:
        super().__init__()
        self.name = name
        self.model = Path("tiny.gguf")
        self._ends = ends

    def arguments(self) -> list[str]:
        after = "" if self._ends else "signal.pause()"
        return ["-c", f"import signal; print('ready: http://127.0.0.1:1', flush=True); {after}"]

    def environment(self) -> dict[str, str]:
        return {"OPENAI_BASE_URL": self.address}

    def start(self) -> Fake:
        self.journal.append(f"{self.name} started")
        return super().start()

    def stop(self, timeout: float = 15) -> None:
        self.journal.append(f"{self.name} stopped")
        super().stop(timeout)


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(Fake, "journal", [])
    monkeypatch.setattr(start, "ModelServer", lambda path: Fake("model"))
    monkeypatch.setattr(start, "Host", lambda *_, **__: Fake("host"))
    monkeypatch.setattr(start, "present", lambda path: True)
    return Fake.journal


def test_the_host_goes_up_last_and_down_first(journal: list[str], tmp_path: Path) -> None:
    said: list[str] = []
    with start.installation(tmp_path / "state", environment={}, say=said.append) as running:
        assert running.token_file == tmp_path / "state" / "token"
        assert running.ended() is None
        assert "token" in start.welcome(running)
    assert journal == ["model started", "host started", "host stopped", "model stopped"]
    assert said == ["model    tiny.gguf, local, at http://127.0.0.1:1"]


def test_a_part_that_ended_is_found(journal: list[str], tmp_path: Path) -> None:
    with start.installation(tmp_path, environment={}) as running:
        running.host.kill()
        assert running.ended() is running.host


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"OPENAI_BASE_URL": "https://models.test/v1", "OPENAI_API_KEY": "k"}, "https://models.test/v1"),
        ({"AZURE_OPENAI_ENDPOINT": "https://azure.test"}, "https://azure.test"),
    ],
)
def test_a_model_elsewhere_is_used_and_named(
    environment: dict[str, str], address: str, journal: list[str], tmp_path: Path
) -> None:
    said: list[str] = []
    with start.installation(tmp_path, environment=environment, say=said.append) as running:
        assert running.model is None
    assert journal == ["host started", "host stopped"]
    assert said == [f"model    {address}, as the environment says"]


def test_a_key_alone_does_not_send_anything_anywhere() -> None:
    assert start.remote_model({"OPENAI_API_KEY": "k"}) is None


def test_an_address_without_a_key_is_refused() -> None:
    with pytest.raises(start.StartError, match="OPENAI_API_KEY is not"):
        start.remote_model({"OPENAI_BASE_URL": "https://models.test/v1"})


def test_missing_weights_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "model_path", lambda environment: tmp_path / "none.gguf")
    with (
        pytest.raises(start.StartError, match="run `make setup`"),
        start.installation(tmp_path, environment={}),
    ):
        pytest.fail("it started")


def test_settings_that_the_app_could_not_use_are_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(start.StartError, match="MODEL_NAME must say"):
        start.require_usable({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, tmp_path / "none")
    file = tmp_path / "local.settings.json"
    file.write_text('{"Values": {"MODEL_NAME": "m"}}')
    start.require_usable({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, file)
    file.write_text("{")
    start.require_usable({}, file)


def test_the_token_is_secret_and_stays(tmp_path: Path) -> None:
    path = start.ensure_token(tmp_path)
    token = path.read_text()
    assert len(token) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert start.ensure_token(tmp_path).read_text() == token
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]


@pytest.mark.parametrize("blocked", ["state", "state/token"])
def test_a_state_directory_that_cannot_be_used_is_one_clear_sentence(tmp_path: Path, blocked: str) -> None:
    state = tmp_path / "state"
    if blocked == "state":
        state.touch()
    else:
        (state / "token").mkdir(parents=True)
    with pytest.raises(
        start.StartError, match=r"state cannot be used \((File exists|Is a directory)\): choose another"
    ):
        start.prepare(state)
    assert [path.name for path in tmp_path.rglob("*")] == ["state", "token"][: 1 + blocked.count("/")]


@pytest.mark.parametrize("text", ["port", "70000", "-1"])
def test_a_port_is_a_number(text: str) -> None:
    with pytest.raises(start.StartError, match="is not a port"):
        start.port_setting({"PORT": text})


def test_the_default_port() -> None:
    assert start.port_setting({}) == start.port_setting({"PORT": ""}) == 7071


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {**os.environ, "PORT": str(port), "STATE_DIR": str(tmp_path)}
        command = [sys.executable, "-m", "tools.start"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Port {port} cannot be used (Address already in use): choose another, PORT={port + 1}.\n"


def test_main_stops_all_when_a_part_ends_by_itself(
    journal: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "Host", lambda *_, **__: Fake("The host", ends=True))
    monkeypatch.setattr(signal, "signal", lambda *_: signal.SIG_DFL)
    for name in ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORT", "0")
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    assert start.main() == 1
    assert journal[-1] == "model stopped"
    assert "The host ended by itself (exit code 0)." in capsys.readouterr().err
