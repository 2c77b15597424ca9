"""How an HTTP trigger carries the FastAPI app. Cheap to import: the app itself is made by the first request."""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

if TYPE_CHECKING:
    from api.durable import DurableClient


def carry(client: DurableClient) -> Response:
    """A response that, once the host sends it, runs the app: what the app streams, streams."""
    return _Carried(client)


class _Carried(Response):
    def __init__(self, client: DurableClient) -> None:
        super().__init__()
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _load()
        from api.durable import CLIENT  # noqa: PLC0415 - see above

        await _run({**scope, CLIENT: self._client}, receive, send)


async def negotiate(request: Request, connection: str) -> tuple[Response, str | None]:
    """Run the app to its end here and now: the answer, and the group action to give to the output binding.

    A binding's output is taken when the function returns, so this route cannot wait until the response is sent.
    """
    await _load()
    from api.negotiation import NEGOTIATION, Negotiation  # noqa: PLC0415 - see above

    negotiation = Negotiation(connection)
    answer = _Collected()
    await _run({**request.scope, NEGOTIATION: negotiation}, request.receive, answer.take)
    return answer.response(), negotiation.joining


class _Collected:
    """A whole response, held back."""

    def __init__(self) -> None:
        self._start: Message = {}
        self._body = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._body += message.get("body", b"")

    def response(self) -> Response:
        response = Response(self._body, self._start["status"])
        response.raw_headers = list(self._start["headers"])
        return response


async def _load() -> None:
    """Import the app, in a thread: it takes a while, in which executions that were resumed go on."""
    if "api.app" not in sys.modules:
        await asyncio.to_thread(importlib.import_module, "api.app")


async def _run(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    from api.app import the_app  # noqa: PLC0415 - see above

    # The host's own route parameters are not those of the app's routes.
    await the_app()({**scope, "path_params": {}}, receive, send)
