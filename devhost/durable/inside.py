"""The durable SDK's calls to this very host, made without a socket.

The SDK's client reaches the durable extension over HTTP through one `aiohttp` session of its module. Inside this host
that session is replaced by one that hands the same request to the same routes directly.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Message, Scope

from devhost.engine.replay_speed import KNOWN_VERSIONS, installed_sdk

_HTTP = "azure.durable_functions.models.utils.http_utils"


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes

    async def json(self, content_type: None = None) -> Any:
        """As aiohttp reads it when it may not look at the content type: nothing is None."""
        return json.loads(self.body) if self.body.strip() else None


class InsideSession:
    """Stands where the SDK keeps its `aiohttp.ClientSession`, with what it uses of one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.closed = False

    async def close(self) -> None:
        self.closed = True

    @asynccontextmanager
    async def post(self, url: str, json: object, headers: Mapping[str, str]) -> AsyncIterator[_Answer]:
        yield await self._ask("POST", url, headers, json)

    @asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[_Answer]:
        yield await self._ask("GET", url, headers)

    @asynccontextmanager
    async def delete(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[_Answer]:
        yield await self._ask("DELETE", url, headers)

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], value: object = None) -> _Answer:
        # aiohttp sends no body for None, and neither does this.
        body = b"" if value is None else json.dumps(value).encode()
        status, parts = 500, list[bytes]()
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        await self._app(_scope(method, url, headers, len(body)), receive, send)
        return _Answer(status, b"".join(parts))


def call_from_inside(app: ASGIApp) -> InsideSession | None:
    """Let the SDK's clients in this process call `app` directly; None if the installed SDK is not a known one."""
    if installed_sdk() not in KNOWN_VERSIONS:
        return None
    session = InsideSession(app)
    vars(importlib.import_module(_HTTP))["_client_session"] = session
    return session


def _scope(method: str, url: str, headers: Mapping[str, str], length: int) -> Scope:
    parts = urlsplit(url)
    sent = {**headers, "host": parts.netloc, "content-type": "application/json", "content-length": str(length)}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": parts.scheme,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 0),
        "server": (parts.hostname or "", parts.port or 80),
    }
