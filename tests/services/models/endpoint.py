"""A server of raw HTTP answers: whatever bytes a test wants an endpoint to send, and no more manners than that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

Reply = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class RawEndpoint:
    """Answers every request with `reply`, then closes the connection."""

    reply: Reply = b""
    received: list[Received] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client goes away."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.received.append(await _read_request(reader))
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            await self._answer(reader, writer)
        finally:
            self.open_now -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self.reply, bytes):
            writer.write(self.reply)
            await writer.drain()
            return
        answering = asyncio.ensure_future(self.reply(writer))
        gone = asyncio.ensure_future(reader.read())
        await asyncio.wait([answering, gone], return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            self.closed.set()
        for task in (answering, gone):
            task.cancel()
        await asyncio.gather(answering, gone, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in head[1:] if line)
    headers = {name.lower(): value for name, _, value in pairs}
    body = json.loads(await reader.readexactly(int(headers["content-length"])))
    return Received(head[0].split(" ")[1], headers, body)


def http(status: int, body: bytes | str = b"", content_type: str = "application/json", **headers: str) -> bytes:
    """A whole answer of known length."""
    content = body.encode() if isinstance(body, str) else body
    fields = {"Content-Type": content_type, "Content-Length": str(len(content)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode() + content


def problem(status: int, message: str = "no", code: str | None = None, **headers: str) -> bytes:
    """An error as OpenAI sends it."""
    return http(status, json.dumps({"error": {"message": message, "type": "t", "code": code}}), **headers)


def chunk(content: str | None = None, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    if content is not None:
        delta["content"] = content
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "served-model", "choices": [choice]}


def usage(tokens_in: int, tokens_out: int) -> dict[str, Any]:
    counts = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
    return {**chunk(), "choices": [], "usage": counts}


def events(*chunks: Any) -> bytes:
    """Server-sent events; bytes are sent as they are."""
    return b"".join(c if isinstance(c, bytes) else b"data: " + json.dumps(c).encode() + b"\n\n" for c in chunks)


def stream(*chunks: Any, done: bool = True) -> bytes:
    """A whole streamed answer."""
    return http(200, events(*chunks) + (b"data: [DONE]\n\n" if done else b""), "text/event-stream")


def answer(text: str = "Hello", finish: str = "stop") -> bytes:
    return stream(chunk(text), chunk(finish=finish), usage(10, 5))


OPEN_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def piece(content: bytes) -> bytes:
    """One piece of a chunked body."""
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"
