"""What the peers' programs share: take a request per line on stdin, answer each with a line on stdout."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import traceback
from collections.abc import Coroutine
from typing import Any, Protocol

PARTICIPANTS = 5
VIEW = 12
TASK = "a plan for the launch of a solar lantern"


class Peer(Protocol):
    settings: str
    """What it does about durability, as found out and not as believed."""

    async def run(self, kind: str, size: int, id: str) -> int:
        """Run one execution to its end and return how many answers its result holds."""

    async def resume(self, kind: str, size: int, id: str) -> int:
        """The same for one that an earlier process began."""


async def serve(peer: Peer) -> None:
    """Until stdin ends. A request: {"do": "run" | "resume", "kind", "size", "ids"}; all its ids at once."""
    loop = asyncio.get_running_loop()
    requests: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(requests.put_nowait, line)
        loop.call_soon_threadsafe(requests.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    print(f"peer ready: {peer.settings}", flush=True)
    while (line := await requests.get()) is not None:
        print(f"peer done: {json.dumps(await _answer(peer, json.loads(line)))}", flush=True)


async def _answer(peer: Peer, request: dict[str, Any]) -> dict[str, Any]:
    act = {"run": peer.run, "resume": peer.resume}[request["do"]]
    works: list[Coroutine[Any, Any, int]] = [act(request["kind"], request["size"], id) for id in request["ids"]]
    try:
        return {"answers": await asyncio.gather(*works)}
    except Exception:  # whatever a peer raises is reported as its row
        return {"error": traceback.format_exc()}
