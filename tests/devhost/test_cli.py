"""The command line as a child process: what it prints, how it ends, and that a kill loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from devhost.cli import main
from tests.devhost.conftest import APPS, MakeApp

ROOT = Path(__file__).parents[2]
API = "/runtime/webhooks/durabletask"


class HostProcess:
    """A running `python -m devhost`: its standard output up to the ready line, and its log once it has ended."""

    def __init__(self, process: asyncio.subprocess.Process, printed: list[str], log: asyncio.Task[bytes]) -> None:
        self.process = process
        self.printed = printed
        self.log = log
        self.url = printed[-1].removeprefix("devhost ready: ")
        self.http = httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False)

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(number)
        async with asyncio.timeout(10):
            return await self.process.wait()


async def spawn(app: Path, state: Path, *more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "devhost", "--app", str(app), "--state", str(state), *more,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NOTES": str(state.parent / "notes")},
    )  # fmt: skip


@contextlib.asynccontextmanager
async def running(app: Path, state: Path, port: int = 0) -> AsyncIterator[HostProcess]:
    process = await spawn(app, state, "--port", str(port))
    assert process.stdout is not None
    assert process.stderr is not None
    printed: list[str] = []
    logged = asyncio.create_task(process.stderr.read())
    try:
        async with asyncio.timeout(30):
            while not (printed and printed[-1].startswith("devhost ready: ")):
                line = await process.stdout.readline()
                assert line, (await logged).decode()
                printed.append(line.decode().rstrip())
        host = HostProcess(process, printed, logged)
        async with host.http:
            yield host
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await logged


async def status_of(host: HostProcess, instance_id: str, *wanted: str) -> dict[str, object]:
    async with asyncio.timeout(20):
        while True:
            response = await host.http.get(f"{API}/instances/{instance_id}")
            if response.status_code != 404 and response.json()["runtimeStatus"] in wanted:
                return dict(response.json())
            await asyncio.sleep(0.02)


async def until_noted(notes: Path, *lines: str) -> None:
    async with asyncio.timeout(20):
        while not notes.exists() or notes.read_text().split() != list(lines):  # noqa: ASYNC110, ASYNC240 - a file of another process
            await asyncio.sleep(0.02)


async def test_it_lists_the_functions_and_says_when_it_is_ready(tmp_path: Path) -> None:
    async with running(APPS / "classic", tmp_path / "state.db") as host:
        response = await host.http.get("/api/text")
        code = await host.end(signal.SIGTERM)
    listing = "\n".join(host.printed)
    assert response.text == "plain words"
    assert re.search(rf"  only_post +POST +{host.url}/api/only-post$", listing, re.MULTILINE)
    assert re.search(r"  activities +add_one, announce, fail, greet$", listing, re.MULTILINE)
    assert re.search(r"timerTrigger '0 0 \* \* \* \*', next \d{4}-\d\d-\d\d \d\d:00:00 UTC", listing)
    assert re.search(r"  queued +WARNING: queue .*'message'", listing)
    assert code == 0


async def test_a_host_whose_state_file_fails_ends(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    async with running(APPS / "classic", state) as host:
        with contextlib.closing(sqlite3.connect(state)) as file:
            file.execute("DROP TABLE instances")
        response = await host.http.get(f"{API}/instances/any")
        async with asyncio.timeout(10):
            code = await host.process.wait()
    assert response.status_code == 503
    assert code == 1


async def test_a_host_ends_with_the_process_that_it_was_told_to_watch(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "devhost", "--app", str(APPS / "classic"), "--state", str(tmp_path / "state.db")]
    starter = (
        "import os, subprocess; "
        f"host = subprocess.Popen([*{command!r}, '--port', '0', '--with-parent', str(os.getpid())]); "
        "print(host.pid, flush=True); host.wait()"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", starter, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    try:
        async with asyncio.timeout(30):
            while not (await process.stdout.readline()).startswith(b"devhost ready: "):
                pass
            process.kill()
            # Its output ends when the host, which has inherited it, is gone too.
            await process.stdout.read()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await process.wait()


async def test_a_kill_in_the_middle_of_an_activity_loses_nothing(tmp_path: Path) -> None:
    state, notes = tmp_path / "state.db", tmp_path / "notes"
    (tmp_path / "one").touch()
    async with running(APPS / "lasting", state) as host:
        port = httpx.URL(host.url).port
        assert port is not None
        signalr = (await host.http.get("/api/negotiate")).json()
        await host.http.post(f"{API}/orchestrators/steps/s")
        await until_noted(notes, "one", "two")
        await host.end(signal.SIGKILL)
    (tmp_path / "two").touch()
    (tmp_path / "three").touch()
    async with running(APPS / "lasting", state, port) as host:
        await until_noted(notes, "one", "two", "two", "three")  # the one that was killed runs again, no other
        await host.http.post(f"{API}/instances/s/raiseEvent/go", json="went")
        status = await status_of(host, "s", "Completed")
        reconnected = await host.http.post(
            "/client/negotiate?hub=chat", headers={"Authorization": f"Bearer {signalr['accessToken']}"}
        )
        await host.end(signal.SIGINT)
    assert status["output"] == ["one", "two", "three", "went"]
    assert reconnected.status_code == 200  # the key of the emulated service outlives the process, too


async def test_it_stops_soon_whatever_is_running(tmp_path: Path) -> None:
    async with running(APPS / "lasting", tmp_path / "state.db") as host:
        stuck = asyncio.create_task(host.http.get("/api/stuck"))
        await host.http.post(f"{API}/orchestrators/steps/s")
        await until_noted(tmp_path / "notes", "one")
        code = await host.end(signal.SIGTERM)
        assert (await stuck).status_code == 500
    assert code == 0


async def test_it_closes_open_streams_when_it_stops(tmp_path: Path) -> None:
    async with (
        running(APPS / "streaming", tmp_path / "state.db") as host,
        host.http.stream("GET", "/api/endless") as response,
    ):
        chunks = response.aiter_raw()
        assert await anext(chunks) == b"data: first\n\n"
        with pytest.raises(httpx.RemoteProtocolError):
            await host.http.get("/api/breaking")
        code = await host.end(signal.SIGTERM)
        with pytest.raises((httpx.RemoteProtocolError, StopAsyncIteration)):
            await anext(chunks)
        log = (await host.log).decode()
    assert code == 0
    (told,) = re.findall(r"Traceback .*\n((?: .*\n)*)ValueError: in the middle\n", log)
    assert 'function_app.py", line' in told.splitlines()[0]  # user code alone, and once
    assert "uvicorn" not in log


async def test_ctrl_c_while_the_app_is_imported_is_no_traceback(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app("import time\nprint('importing', flush=True)\ntime.sleep(60)")
    process = await spawn(app, tmp_path / "state.db", "--port", "0")
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"importing\n"
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert (process.returncode, said) == (130, b"\n")


async def test_a_second_ctrl_c_does_not_wait_for_what_is_running(tmp_path: Path) -> None:
    process = await spawn(APPS / "lasting", tmp_path / "state.db", "--port", "0")
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while not (line := (await process.stdout.readline()).decode()).startswith("devhost ready: "):
            assert line
        async with httpx.AsyncClient(base_url=line.split()[-1], trust_env=False) as http:
            await http.post(f"{API}/orchestrators/steps/s")
        await until_noted(tmp_path / "notes", "one")
        process.send_signal(signal.SIGINT)
        while b"Stopping" not in await process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130


async def test_a_state_file_in_use(tmp_path: Path) -> None:
    async with running(APPS / "classic", tmp_path / "state.db"):
        process = await spawn(APPS / "classic", tmp_path / "state.db", "--port", "0")
        async with asyncio.timeout(30):
            _, errors = await process.communicate()
    assert process.returncode == 2
    assert "state.db" in errors.decode().splitlines()[-1]


@pytest.fixture
def refusal(process: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a start that must fail says on its last line."""

    def start(app: Path, port: int = 0) -> str:
        assert main(["--app", str(app), "--state", str(tmp_path / "state.db"), "--port", str(port)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        return said.err.rstrip().splitlines()[-1]

    return start


def test_a_port_in_use(refusal: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(APPS / "classic", port)
    assert said == f"devhost: Cannot listen on 127.0.0.1:{port}: Address already in use; choose another with --port."


@pytest.mark.parametrize(
    ("function_app", "files", "sentence"),
    [
        ("app = func.FunctionApp()\nother = func.FunctionApp()", {}, "must bind exactly one app"),
        ("raise KeyError('MY_SETTING')", {}, "Importing function_app.py failed: KeyError: 'MY_SETTING'"),
        ("def broken(:", {}, "Importing function_app.py failed: SyntaxError"),
        ("", {"host.json": "{"}, "is not strict JSON"),
        (
            "app = func.FunctionApp()\n@app.route('x')\ndef f(req: func.HttpRequest): ...",
            {"host.json": '{"version": "2.0", "extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}'},
            "maxConcurrentActivityFunctions",
        ),
    ],
)
def test_an_app_that_cannot_be_served(
    refusal: Callable[..., str], make_app: MakeApp, function_app: str, files: dict[str, str], sentence: str
) -> None:
    said = refusal(make_app(function_app, files))
    assert said.startswith("devhost: ")
    assert sentence in said


def test_a_folder_without_an_app(refusal: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    assert "has no function_app.py" in refusal(tmp_path)
    assert "is not a folder" in refusal(tmp_path / "nowhere")
