from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tools.processes import Child, Host, ModelServer, ProcessFailed

SERVER = """
import http.server, sys
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
print("starting", flush=True)
print(f"ready: http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""
HELLO = """
import os
import azure.functions as func

app = func.FunctionApp()

@app.route(route="hello", auth_level=func.AuthLevel.ANONYMOUS)
def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(os.environ["GREETING"] + ", state in " + os.environ["META_AGENTS_STATE_DIR"])
"""
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready: http://127.0.0.1:1", flush=True)
signal.pause()
"""


class Script(Child):
    """A child running a few lines of Python."""

    READY = "ready: "
    name = "The script"

    def __init__(self, text: str, *, on_line: Callable[[str], None] | None = None, start_timeout: float = 20) -> None:
        super().__init__(environment={"GREETING": "hello"}, on_line=on_line, start_timeout=start_timeout)
        self._text = text

    def arguments(self) -> list[str]:
        return ["-c", self._text, str(self.port)]


@pytest.fixture
def server() -> Iterator[Script]:
    with Script(SERVER) as server:
        yield server


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_is_up_when_start_returns(server: Script) -> None:
    assert httpx.head(server.address, timeout=10).status_code == 200
    assert server.running


def test_a_killed_one_starts_again_at_the_same_address(server: Script) -> None:
    address, pid = server.address, server.process.pid
    server.kill()
    assert not server.running
    assert not exists(pid)
    assert server.process.returncode == -signal.SIGKILL
    assert server.start().address == address
    assert httpx.head(address, timeout=10).status_code == 200
    assert list(server.output).count("starting") == 2


def test_stop_asks_first_and_may_be_repeated(server: Script) -> None:
    server.stop()
    assert server.process.returncode == -signal.SIGTERM
    server.stop()
    server.kill()


def test_a_deaf_one_is_killed() -> None:
    with Script(DEAF) as child:
        child.stop(timeout=0.1)
        assert child.process.returncode == -signal.SIGKILL


def test_leaving_the_context_stops_it_even_on_an_error() -> None:
    def fail(child: Script) -> None:
        with child:
            raise LookupError

    child = Script(SERVER)
    with pytest.raises(LookupError):
        fail(child)
    assert not exists(child.process.pid)


def test_one_that_ends_before_it_is_ready_says_why() -> None:
    child = Script("import sys; print('warming up', flush=True); sys.exit('no such file')")
    with pytest.raises(ProcessFailed) as failed:
        child.start()
    first, *rest = str(failed.value).splitlines()
    assert first == "The script ended before it was ready (exit code 1)."
    assert rest == ["warming up", "no such file"]


def test_one_that_takes_too_long_is_killed() -> None:
    child = Script("import signal; signal.pause()", start_timeout=0.2)
    with pytest.raises(ProcessFailed, match=r"was not ready after 0\.2 s \(exit code -9\)"):
        child.start()
    assert not child.running


def test_its_lines_are_passed_on_and_then_not_repeated_in_the_error() -> None:
    seen: list[str] = []
    child = Script("import os, sys; sys.exit(os.environ['GREETING'])", on_line=seen.append)
    with pytest.raises(ProcessFailed) as failed:
        child.start()
    assert seen == ["hello"]
    assert "hello" not in str(failed.value)


def test_what_it_started_is_killed_with_it() -> None:
    text = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("ready: http://127.0.0.1:1", flush=True)
child.wait()
"""
    with Script(text) as parent:
        # The output, which both hold, ends with the last of them; kill() returns after that.
        killing = threading.Thread(target=parent.kill, daemon=True)
        killing.start()
        killing.join(20)
        assert not killing.is_alive()


def test_starting_twice_or_asking_before_the_start_is_an_error(server: Script) -> None:
    with pytest.raises(RuntimeError, match="runs already"):
        server.start()
    with pytest.raises(RuntimeError, match="was not started"):
        _ = Script(SERVER).process


def test_the_host_is_told_where_its_state_and_the_app_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    host = Host(Path("state"), app=Path("app"), port=7)
    state = tmp_path / "state" / "devhost.db"
    expected = ["-m", "devhost", "--app", str(tmp_path / "app"), "--port", "7", "--state", str(state)]
    expected += ["--with-parent", str(os.getpid())]
    assert host.arguments() == expected


def test_the_real_host_serves_an_app_and_comes_back_after_a_kill(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(HELLO)
    with Host(tmp_path / "state", app=tmp_path, environment={"GREETING": "hello"}) as host:
        address = host.address
        host.kill()
        assert host.start().address == address
        assert httpx.get(f"{address}/api/hello", timeout=10).text == f"hello, state in {tmp_path / 'state'}"
        host.stop()
        assert host.process.returncode == 0


def test_the_model_server_ends_with_us(tmp_path: Path) -> None:
    arguments = ModelServer(tmp_path / "tiny.gguf", threads=2).arguments()
    assert arguments[-2:] == ["--with-parent", str(os.getpid())]
    assert sys.executable not in arguments
