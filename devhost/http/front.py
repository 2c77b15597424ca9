"""The first fork of a request's way: the host's own paths, or the app's functions."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Mount, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send


class Front:
    """Looks through the host's routes only where the path begins like one of them: most requests are functions'."""

    def __init__(self, routes: Sequence[BaseRoute], functions: ASGIApp) -> None:
        self._own = Router(routes=routes, default=functions, redirect_slashes=False)
        self._beginnings = frozenset(_first_part(route.path) for route in routes if isinstance(route, _Placed))
        self._functions = functions
        assert len(routes) == sum(isinstance(route, _Placed) for route in routes)  # noqa: S101 - else one is never met

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._own if _first_part(scope["path"]) in self._beginnings else self._functions
        await app(scope, receive, send)


_Placed = Route | WebSocketRoute | Mount


def _first_part(path: str) -> str:
    return path[1:].partition("/")[0]
