"""The emulated service against the stock JavaScript client, as browsers use it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.devhost.conftest import Serve

JS = Path(__file__).parents[2] / "js"


class StockClient:
    """The client in a child process: `next` is what happened to it, `do` tells it something."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def next(self, event: str) -> dict[str, Any]:
        """The next thing that happens, which must be this event."""
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            said = json.loads(await self._process.stdout.readline())
        assert said["event"] == event, said
        return dict(said)

    async def do(self, command: str, **details: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **details}).encode() + b"\n")
        await self._process.stdin.drain()


@contextlib.asynccontextmanager
async def connected(http: httpx.AsyncClient, user: str, *targets: str) -> AsyncIterator[tuple[StockClient, str]]:
    """A client of the app's hub, and its connection id."""
    assert (JS / "node_modules").is_dir(), "run 'npm ci' in tests/js first"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "node", "signalr_client.mjs", str(http.base_url).rstrip("/"), user, ",".join(targets),
        cwd=JS, stdin=pipe, stdout=pipe,
    )  # fmt: skip
    client = StockClient(process)
    try:
        yield client, (await client.next("connected"))["id"]
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def push(http: httpx.AsyncClient, content: object) -> None:
    assert (await http.post("/api/push", json=content)).status_code == 204


async def test_messages_reach_everyone_a_user_a_group_and_a_connection(serve: Serve) -> None:
    async with (
        serve("classic") as http,
        connected(http, "ann", "m") as (ann, ann_id),
        connected(http, "bob", "m") as (bob, _),
    ):
        await push(http, {"target": "m", "arguments": ["all", {"n": 1.5}]})
        await push(http, {"target": "m", "arguments": ["user"], "userId": "bob"})
        await push(http, {"target": "m", "arguments": ["connection"], "connectionId": ann_id})
        await push(http, {"action": "add", "groupName": "g", "userId": "ann"})
        await push(http, {"target": "m", "arguments": ["group"], "groupName": "g"})
        await push(
            http,
            [
                {"action": "remove", "groupName": "g", "userId": "ann"},
                {"action": "add", "groupName": "g", "userId": "bob"},
            ],
        )
        await push(http, [{"target": "m", "arguments": ["group again"], "groupName": "g"}])
        await push(http, {"target": "m", "arguments": ["end"]})
        ann_got = [(await ann.next("message"))["args"] for _ in range(4)]
        bob_got = [(await bob.next("message"))["args"] for _ in range(4)]
    assert ann_got == [["all", {"n": 1.5}], ["connection"], ["group"], ["end"]]
    assert bob_got == [["all", {"n": 1.5}], ["user"], ["group again"], ["end"]]


async def test_an_activity_pushes_to_clients(serve: Serve) -> None:
    async with serve("classic") as http, connected(http, "ann", "announced") as (ann, _):
        await http.post("/api/start/announcing?wait=1", json="done")
        assert (await ann.next("message"))["args"] == ["done"]


async def test_groups_of_a_user_survive_a_reconnect(serve: Serve) -> None:
    async with serve("classic") as http, connected(http, "ann", "m") as (ann, old_id):
        await push(http, {"action": "add", "groupName": "g", "userId": "ann"})
        await push(http, {"action": "add", "groupName": "lost", "connectionId": old_id})
        dropped = http.host.signalr.find("chat", old_id)
        assert dropped is not None
        dropped.outgoing.put_nowait(None)
        await ann.next("reconnecting")
        new_id = (await ann.next("reconnected"))["id"]
        await push(http, {"target": "m", "arguments": ["to the connection's old group"], "groupName": "lost"})
        await push(http, {"target": "m", "arguments": ["to the user's group"], "groupName": "g"})
        assert (await ann.next("message"))["args"] == ["to the user's group"]
    assert new_id != old_id


async def test_methods_of_the_hub_do_not_exist_and_stopping_is_clean(serve: Serve) -> None:
    async with serve("classic") as http, connected(http, "ann", "m") as (ann, _):
        await ann.do("invoke", method="nosuch")
        refused = await ann.next("refused")
        await ann.do("stop")
        closed = await ann.next("closed")
    assert "no upstream serves it" in refused["error"]
    assert closed["error"] is None


async def test_an_output_that_is_neither_message_nor_action_fails_the_function(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve("classic") as http:
        response = await http.post("/api/push", json={"arguments": []})
    assert response.status_code == 500
    assert "neither a message nor a group action" in caplog.text
