"""`--watch`: what makes the host start again, and that callers and orchestrations come through it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from devhost.watch import changes
from tests.devhost.conftest import MakeApp

ROOT = Path(__file__).parents[2]
API = "/runtime/webhooks/durabletask"
APP = """
import azure.durable_functions as df
import azure.functions as func
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route("word")
def word(req: func.HttpRequest): return "{}"

@app.orchestration_trigger(context_name="context")
def waiting(context): return (yield context.wait_for_external_event("go"))
"""


class Watched:
    """A running `python -m devhost --watch`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ready(self) -> str:
        """The URL, once the host is ready the next time."""
        return (await self.printed("devhost ready: ")).removeprefix("devhost ready: ")

    async def printed(self, text: str) -> str:
        return await self._line(self.process.stdout, text)

    async def said(self, sentence: str) -> str:
        return await self._line(self.process.stderr, sentence)

    async def _line(self, stream: asyncio.StreamReader | None, wanted: str) -> str:
        assert stream is not None
        async with asyncio.timeout(30):
            while line := (await stream.readline()).decode():
                if wanted in line:
                    return line.rstrip()
        raise AssertionError(f"it ended without saying '{wanted}'")


@contextlib.asynccontextmanager
async def watching(app: Path, state: Path) -> AsyncIterator[Watched]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "devhost", "--watch", "--app", str(app), "--state", str(state), "--port", "0",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Watched(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_the_host_starts_again_with_the_new_code_on_the_same_port_and_state(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app("", {"function_app.py": APP.format("one")})
    async with watching(app, tmp_path / "state.db") as host:
        url = await host.ready()
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
            assert (await http.get("/api/word")).text == "one"
            await http.post(f"{API}/orchestrators/waiting/w")
            # Of another size: within a second, Python tells no other change from what it has compiled.
            (app / "function_app.py").write_text(APP.format("second"))
            assert await host.ready() == url
            assert (await http.get("/api/word")).text == "second"

            (app / "function_app.py").write_text("def broken(:")
            await host.said("def broken(:")  # the traceback shows the user's mistake
            assert "exit code 2" in await host.said("it starts again when a file changes")
            waiting = asyncio.create_task(http.get("/api/word"))  # a caller now waits instead of being refused
            (app / "function_app.py").write_text(APP.format("three"))
            assert (await waiting).text == "three"

            await http.post(f"{API}/instances/w/raiseEvent/go", json="on")
            async with asyncio.timeout(20):
                while not (status := (await http.get(f"{API}/instances/w")).json())["output"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert status["output"] == "on"
            host.process.send_signal(signal.SIGINT)
            async with asyncio.timeout(20):
                assert await host.process.wait() == 0
            with pytest.raises(httpx.ConnectError):
                await http.get("/api/word")


async def test_an_interrupt_while_the_app_is_imported_ends_both_quietly(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(
        "", {"function_app.py": "import os, time\nprint(os.getpid(), 'importing', flush=True)\ntime.sleep(60)"}
    )
    async with watching(app, tmp_path / "state.db") as host:
        pid = int((await host.printed("importing")).split()[0])
        host.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            assert await host.process.wait() == 0
            assert host.process.stderr is not None
            assert b"Traceback" not in await host.process.stderr.read()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_what_is_watched(tmp_path: Path) -> None:
    for folder in (".git", "venv", "kept", "made", "node_modules", "__pycache__", "kept/inner"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    (tmp_path / ".gitignore").write_text("made/\nlocal.settings.json\ngenerated.py\n*.db\n")
    stop, noticed = asyncio.Event(), set[str]()
    found = changes(tmp_path, stop)

    async def write_until_noticed(wanted: str, *others: str) -> None:
        while wanted not in noticed:
            coming = asyncio.ensure_future(anext(found))
            while not coming.done():  # again and again: nobody tells when the watching has begun
                for name in (*others, wanted):
                    (tmp_path / name).parent.mkdir(exist_ok=True)
                    (tmp_path / name).write_text("x")
                await asyncio.wait([coming], timeout=0.1)
            noticed.update(str(path.relative_to(tmp_path)) for path in await coming)

    foreign = (f"{folder}/x.py" for folder in (".git", "venv", "made", "node_modules", "__pycache__"))
    wanted = ["kept/inner/a.py", "local.settings.json", "host.json", "requirements-dev.txt", "new/one.py", "new/two.py"]
    async with asyncio.timeout(20):
        for name in wanted:
            await write_until_noticed(name, *foreign, "generated.py", "state.db", "notes.txt", "kept/host.json")
        stop.set()
        assert [changed async for changed in found if not changed <= {tmp_path / name for name in wanted}] == []
    assert noticed == set(wanted)


def test_nothing_is_watched_without_the_packages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from devhost.cli import main

    monkeypatch.setitem(sys.modules, "watchfiles", None)
    monkeypatch.delitem(sys.modules, "devhost.watch")
    assert main(["--watch", "--state", os.devnull]) == 2
    assert "--watch needs the package 'watchfiles'" in capsys.readouterr().err
