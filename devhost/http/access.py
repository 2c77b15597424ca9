"""Who may call what, once keys are asked for."""

from __future__ import annotations

import hmac
import secrets

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from devhost.keys import KeyRing

_WEBHOOKS = "/runtime/webhooks/"
_OPEN = "/admin/host/ping"  # open on Azure, too
_MASTERS_ONLY = ("/admin", "/devhost/api")  # the page itself holds nothing, and asks for the key


class KeyGate:
    """Stands before the host's own faces; functions are looked after by whoever finds them.

    The app itself calls the durable API without a key, as on Azure, where it has an entrance of its own. Here that is
    `own_entrance`, a path in front of the usual one that nobody else can know.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing, own_entrance: str) -> None:
        self._app = app
        self._keys = keys
        self._own = own_entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _same(scope["path"][: len(self._own)], self._own):
            start = len(self._own)
            inside = {**scope, "path": scope["path"][start:], "raw_path": scope["raw_path"][start:]}
            await self._app(inside, receive, send)
        elif not self._admits(scope):
            await Response(status_code=401)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _admits(self, scope: Scope) -> bool:
        path, key = scope["path"], presented_key(scope)
        if path.startswith(_WEBHOOKS):
            return self._keys.admits_to_extension(path.removeprefix(_WEBHOOKS).partition("/")[0], key)
        closed = any(path == face or path.startswith(f"{face}/") for face in _MASTERS_ONLY)
        return path == _OPEN or not closed or self._keys.is_master(key)


def make_own_entrance() -> str:
    return f"/{secrets.token_urlsafe(24)}"


def presented_key(scope: Scope) -> str:
    """The key of a request, empty when there is none. The header wins over the query even when it is wrong."""
    header = Headers(scope=scope).get("x-functions-key")
    return header if header is not None else next(iter(QueryParams(scope["query_string"]).getlist("code")), "")


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())
