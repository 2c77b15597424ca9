"""A receiver of webhooks on a loopback port, as its owner would write it: it verifies, and answers as a test says."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import uvicorn
from standardwebhooks import Webhook as Verifier
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

SECRET = "whsec_c2VjcmV0LTUgb2YgYXMgbWFueSBieXRlcyBhcyBpcyBhc2tlZA=="

Answer = int | Response | Callable[[], Response]
"""A callable is asked when the message has come, on the receiver's thread."""


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str = SECRET) -> Any:
        """The message. Raises `WebhookVerificationError` unless it was signed with the secret, just now."""
        return Verifier(secret).verify(self.body, self.headers)


class Receiver:
    """Serves while its context lasts. The first messages get these `answers`, in turn; later ones 204."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answers = deque(answers)
        self.received: list[Received] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        config = uvicorn.Config(self._app, log_config=None, ws="none", lifespan="off", interface="asgi3")
        if tls is not None:
            config.load()
            config.ssl = tls
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a deployment that may call it."""
        return {"WEBHOOK_HOSTS": f"127.0.0.1:{self.port}", "WEBHOOK_SECRET": SECRET}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.received.append(Received(request.url.path, dict(request.headers), await request.body()))
        answer = self.answers.popleft() if self.answers else 204
        if callable(answer) and not isinstance(answer, Response):
            answer = answer()
        response = Response(status_code=answer) if isinstance(answer, int) else answer
        await response(scope, receive, send)
