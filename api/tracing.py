"""Each HTTP request in the trace of its caller, as telemetry tells of it. Of the page's files nothing is told."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.settings import SettingsError
from services.telemetry.base import Request, Telemetry
from services.wiring import services

_OFF = Telemetry()


class Traced:
    """Around everything else. Where telemetry is off it costs one look."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        telemetry = _telemetry()
        if not telemetry.is_on or scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request = Request(scope["method"], scope["path"], headers.get(b"traceparent", b"").decode("latin-1") or None)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
            await send(message)

        with telemetry.request(request):
            try:
                await self._app(scope, receive, told)
            finally:
                request.route = getattr(scope.get("route"), "path", "")
                if request.status == 429:
                    telemetry.throttled("api")


def _telemetry() -> Telemetry:
    try:
        return services().telemetry
    except SettingsError:  # each request says so by itself
        return _OFF
