"""An emulated service on a free port, and raw clients of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
import websockets
from starlette.applications import Starlette

from devhost.signalr.endpoint import Endpoint
from devhost.signalr.routes import SignalRApi
from devhost.signalr.service import Service

KEY = "k" * 40
HANDSHAKE = '{"protocol":"json","version":1}\x1e'


class Emulator:
    """A service on a free port."""

    def __init__(self, url: str) -> None:
        self.endpoint = Endpoint(url, KEY)
        self.service = Service()
        self.http = httpx.AsyncClient(base_url=url, trust_env=False)

    def token(self, hub: str = "chat", user: str | None = "ann") -> str:
        return self.endpoint.mint(self.endpoint.client_url(hub), {"nameid": user} if user else None)

    async def negotiate(self, token: str, query: str = "hub=chat&negotiateVersion=1") -> httpx.Response:
        return await self.http.post(f"/client/negotiate?{query}", headers={"Authorization": f"Bearer {token or '-'}"})

    def socket(self, token: str, query: str = "hub=chat") -> websockets.connect:
        url = f"{self.endpoint.url.replace('http', 'ws')}/client/?{query}&access_token={token}"
        return websockets.connect(url, proxy=None)

    @contextlib.asynccontextmanager
    async def client(
        self, user: str | None = "ann", query: str = "hub=chat"
    ) -> AsyncIterator[websockets.ClientConnection]:
        async with self.socket(self.token(user=user), query) as socket:
            await socket.send(HANDSHAKE)
            assert await socket.recv() == "{}\x1e"
            yield socket

    async def rest(self, method: str, path: str, body: object = None, audience: str | None = None) -> httpx.Response:
        token = self.endpoint.mint(audience or f"{self.endpoint.url}{path.partition('?')[0]}")
        return await self.http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
async def emulator(request: pytest.FixtureRequest) -> AsyncIterator[Emulator]:
    """Pings every `request.param` seconds when the test says so."""
    config = uvicorn.Config(Starlette(), port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    emulator = Emulator(f"http://127.0.0.1:{listener.getsockname()[1]}")
    config.app = Starlette(
        routes=SignalRApi(emulator.endpoint, emulator.service, getattr(request, "param", 15.0)).routes
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield emulator
    finally:
        await emulator.http.aclose()
        server.should_exit = True
        await task


async def frame(socket: websockets.ClientConnection) -> dict[str, Any]:
    """The one frame of the next message."""
    async with asyncio.timeout(10):
        (text, rest) = str(await socket.recv()).split("\x1e")
    assert rest == ""
    return dict(json.loads(text))
