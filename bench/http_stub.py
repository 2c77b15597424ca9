"""The stub as an OpenAI-compatible endpoint: one process, streamed answers, no more than the clients here read.

`python -m bench.http_stub` prints `stub ready: http://127.0.0.1:PORT/v1`; the key of a call is its `Idempotency-Key`.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from bench.stub import Stub

_ABOUT = {"id": "stub", "object": "chat.completion.chunk", "created": 0, "model": "stub-model"}
_USAGE = {"prompt_tokens": 100, "completion_tokens": 80, "total_tokens": 180}


def chunks(text: str) -> list[str]:
    """The lines of a streamed answer: its words in one piece, its end, what it used."""
    said = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    ended = {"index": 0, "delta": {}, "finish_reason": "stop"}
    bodies = [{**_ABOUT, "choices": [choice]} for choice in (said, ended)]
    used = {**_ABOUT, "choices": [], "usage": _USAGE}
    return [*(f"data: {json.dumps(body)}\n\n" for body in (*bodies, used)), "data: [DONE]\n\n"]


async def serve() -> None:
    stub = Stub()

    async def complete(request: Request) -> StreamingResponse:
        async def answer() -> AsyncIterator[str]:
            yield "".join(chunks(await stub.answer(request.headers["Idempotency-Key"])))

        return StreamingResponse(answer(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    # Of the protocol TCP by name, or asyncio does not turn Nagle's algorithm off, and answers wait 40 ms for an ACK.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        print(f"stub ready: http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
        await server.serve(sockets=[listener])


if __name__ == "__main__":
    asyncio.run(serve())
