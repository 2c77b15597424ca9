"""Bodies that arrive bit by bit, or do not arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from meta_agents.testing.control import Mode


class ChunkedBody(Response):
    """A body sent in chunks, whose `on_sent` is called before a client can know that it is complete.

    In the mode `cut_off` the connection ends after half the chunks; in `stall` it stays open without the last one.
    `pace`: seconds before each chunk.
    """

    def __init__(
        self, chunks: list[bytes], media_type: str, on_sent: Callable[[], None], mode: Mode, *, pace: float
    ) -> None:
        super().__init__(media_type=media_type)
        # Of unknown length, so that the client waits for the end.
        del self.headers["content-length"]
        self._chunks = chunks
        self._on_sent = on_sent
        self._mode = mode
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # The last chunk may be the one that clients take for the end (`[DONE]`).
        *early, last = self._chunks
        for chunk in early[: len(early) // 2] if self._mode == "cut_off" else early:
            await asyncio.sleep(self._pace)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if self._mode == "stall":
            while (await receive())["type"] != "http.disconnect":
                pass
        if self._mode in {"stall", "cut_off"}:
            return
        if not await Request(scope, receive).is_disconnected():
            self._on_sent()
        await send({"type": "http.response.body", "body": last})


def problem(
    status: int, message: str, kind: str = "stub_error", code: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    """An error in OpenAI's form."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return JSONResponse({"error": error}, status, headers)
