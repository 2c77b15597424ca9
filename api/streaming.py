"""Server-sent events, as https://html.spec.whatwg.org/multipage/server-sent-events.html frames them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.following import Idle
from domain.events import Delta, Event

HEARTBEAT_SECONDS = 15.0
"""Azure's front end cuts a response that is silent for 230 seconds; other proxies are less patient."""


class EventStream(StreamingResponse):
    """A stream that ends as soon as its reader has gone, not only when the next thing is sent."""

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[str]) -> None:
        self._frames = frames
        # The second header keeps nginx, and what is built on it, from collecting the stream.
        super().__init__(frames, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette waits for the disconnect of a stream only where the server's ASGI is too old to fail in `send`.
        try:
            await super().__call__({**scope, "asgi": {**scope["asgi"], "spec_version": "2.3"}}, receive, send)
        finally:
            await self._frames.aclose()


async def framed(items: AsyncGenerator[Event | Delta | Idle]) -> AsyncGenerator[str]:
    """Each item as one frame, a comment when there was none for long, and at the end `end`."""
    sent = monotonic()
    async with aclosing(items):
        async for item in items:
            if isinstance(item, Idle):
                if monotonic() - sent < HEARTBEAT_SECONDS:
                    continue
                yield ": ping\n\n"
            else:
                yield frame(item)
            sent = monotonic()
    yield "event: end\ndata: {}\n\n"


def frame(item: Event | Delta) -> str:
    """JSON has no line breaks in it, so one `data` line always does."""
    data = item.model_dump_json()
    if isinstance(item, Delta):
        return f"event: delta\ndata: {data}\n\n"
    return f"id: {item.offset}\nevent: event\ndata: {data}\n\n"
