"""A host that is killed while it holds a message, and storage that is not there yet."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.devhost.conftest import MakeApp, Serve
from tests.devhost.storage.accounts import Storage
from tests.support.azurite import Azurite, running

ROOT = Path(__file__).parents[3]
APP = """
import os, threading
app = func.FunctionApp()

@app.queue_trigger('message', '%PREFIX%-in', '')
@app.queue_output('done', '%PREFIX%-done', '')
def work(message: func.QueueMessage, done: func.Out[str]):
    if message.dequeue_count == 1:
        print('devhost working', flush=True)
        threading.Event().wait()
    done.set(f'{message.get_body().decode()} {message.dequeue_count}')
"""


class Child:
    """A host process that tells on its standard output what it is at."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, app: Path, state: Path) -> Child:
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.devhost.storage.dying_host",
                "--app", str(app), "--state", str(state), "--port", "0", "--with-parent", str(os.getpid()),
                cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )
        )  # fmt: skip

    async def says(self, text: str) -> None:
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            while text not in (line := (await self._process.stdout.readline()).decode()):
                assert line, "the host has ended"

    async def kill(self) -> None:
        self._process.kill()
        await self._process.communicate()


async def test_a_message_comes_again_after_its_host_was_killed(
    storage: Storage, make_app: MakeApp, tmp_path: Path
) -> None:
    storage.put("in", base64.b64encode(b"kept").decode())
    app, state = make_app(APP), tmp_path / "state.db"
    first = await Child.start(app, state)
    try:
        await first.says("devhost working")
    finally:
        await first.kill()
    second = await Child.start(app, state)
    try:
        async with asyncio.timeout(30):
            while not (done := storage.take("done")):  # noqa: ASYNC110 - the work of another process
                await asyncio.sleep(0.05)
    finally:
        await second.kill()
    assert [base64.b64decode(message.content) for message in done] == [b"kept 2"]


def free_ports() -> tuple[int, int]:
    with socket.socket() as blob, socket.socket() as queue:
        blob.bind(("127.0.0.1", 0))
        queue.bind(("127.0.0.1", 0))
        return int(blob.getsockname()[1]), int(queue.getsockname()[1])


async def test_storage_may_come_after_the_host(
    serve: Serve, process: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "devhost")
    ports = free_ports()
    azurite = Azurite(*ports)
    monkeypatch.setenv("AzureWebJobsStorage", azurite.connection)
    monkeypatch.setenv("PREFIX", "late")
    async with contextlib.AsyncExitStack() as after_the_host, asyncio.timeout(60), serve("queued") as client:
        refused = await client.post("/api/orders/l1", content="too early")
        while "cannot be used" not in caplog.text:  # noqa: ASYNC110 - said by a poll, after the attempts of the SDK
            await asyncio.sleep(0.01)
        await asyncio.to_thread(after_the_host.enter_context, running(*ports))
        assert (await client.post("/api/orders/l2", content="in time")).status_code == 200
        seen = await client.get("/api/seen")
    assert refused.status_code == 500
    assert seen.status_code == 200
    warnings = [record.getMessage() for record in caplog.records if "cannot be used" in record.getMessage()]
    assert len(warnings) == 1  # though three functions poll, again and again
    assert "app setting 'AzureWebJobsStorage'" in warnings[0]
    assert "Start Azurite (npx azurite --skipApiVersionCheck)" in warnings[0]
    assert "The storage of the app setting 'AzureWebJobsStorage' answers now." in caplog.messages
