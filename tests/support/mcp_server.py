"""MCP servers for tests: any app of the package, served over streamable HTTP on a loopback port of its own."""

from __future__ import annotations

import socket
import ssl
import threading
from types import TracebackType
from typing import Self

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp, Receive, Scope, Send


class HttpMcp:
    """Serves while its context lasts. `headers` are those of each request."""

    def __init__(self, server: MCPServer, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._app: ASGIApp = server.streamable_http_app()
        self.headers: list[dict[str, str]] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        config = uvicorn.Config(self._watched, log_config=None, ws="none", lifespan="on", interface="asgi3")
        if tls is not None:
            config.load()
            config.ssl = tls
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await self._app(scope, receive, send)
