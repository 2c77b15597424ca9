"""Tools that count: a service outside of the host, and a file that functions inside of it write to."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

FILE = "TEST_EFFECTS_FILE"
"""Environment variable with the file that functions write their effects to."""


@dataclass(frozen=True)
class Effect:
    """Something was done, for the call with this Idempotency-Key. `result` is what was, or would have been, told."""

    key: str
    tool: str
    result: Any


def result_of(tool: str, arguments: Any) -> dict[str, Any]:
    """What each tool gives: the same whenever it is asked."""
    return {"tool": tool, "did": arguments}


class CountingTools:
    """The service, on a thread of this process for as long as the context lasts: `POST /TOOL`.

    It does what it is asked as soon as it has read that, and tells so up to `most_ms` later; now and then it says
    instead that it is too busy (503), and does nothing. `idempotent` does what has been done under a key only once.
    """

    def __init__(self, folder: Path, most_ms: float, seed: int) -> None:
        self._file = folder / "effects.jsonl"
        self._most_ms = most_ms
        self._chance = random.Random(seed)
        self._done: list[Effect] = []
        self._busy: set[str] = set()
        self._server = uvicorn.Server(
            uvicorn.Config(
                Starlette(routes=[Route("/{tool}", self._do, methods=["POST"])]), log_level="critical", lifespan="off"
            )
        )
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, name="counting-tools", daemon=True)

    def environment(self) -> dict[str, str]:
        """What the app must be started with to call them."""
        return {"TOOL_HOSTS": self.host, "TOOL_MODULES": "tests.crash.functions", FILE: str(self._file)}

    def effects(self) -> list[Effect]:
        """All so far: those of the service, oldest first, and then those of functions."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return [*self._done, *(Effect(**json.loads(line)) for line in lines)]

    def of(self, key: str) -> list[Effect]:
        return [effect for effect in self.effects() if effect.key == key]

    async def _do(self, request: Request) -> Response:
        arguments, key, tool = await request.json(), request.headers["idempotency-key"], request.path_params["tool"]
        if key not in self._busy and self._chance.random() < 0.1:
            self._busy.add(key)
            return Response("Too busy.", status_code=503)
        result = result_of(tool, arguments)
        if tool != "idempotent" or not any(done.key == key for done in self._done):
            self._done.append(Effect(key, tool, result))
        await asyncio.sleep(self._chance.uniform(0, self._most_ms) / 1000)
        return JSONResponse(result)

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
