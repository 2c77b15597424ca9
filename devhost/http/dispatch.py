"""The ASGI app that serves an app's HTTP functions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from devhost.expressions import BindingData
from devhost.functions import Function
from devhost.http.access import presented_key
from devhost.http.binding_data import binding_data
from devhost.http.limits import DEFAULT_BODY_LIMIT, limit_body
from devhost.http.routing import RouteTable
from devhost.invocation import Invoker
from devhost.keys import KeyRing
from devhost.reporting import ResponseBroken, report
from devhost.tracebacks import user_traceback


class HttpStyle(Protocol):
    """One of the two kinds of HTTP function: what its request parameter is, and what it may return."""

    async def request(self, scope: Scope, receive: Receive, data: BindingData) -> object:
        """The value of the trigger's parameter."""

    def response(self, value: object) -> Response:
        """The answer for what the function returned. Raises `TypeError` for what it may not return."""


class FunctionDispatcher:
    """Routes a request to its function and sends what the function answers."""

    def __init__(
        self,
        routes: RouteTable,
        invoker: Invoker,
        style: HttpStyle,
        body_limit: int = DEFAULT_BODY_LIMIT,
        keys: KeyRing | None = None,
    ) -> None:
        """`keys`: what callers must present, or None where nothing is asked for."""
        self._routes = routes
        self._invoker = invoker
        self._style = style
        self._body_limit = body_limit
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        started = time.perf_counter()
        path = scope.get("raw_path", scope["path"].encode())
        subject = f"{scope['method']} {path.decode('latin-1')}"  # without the query, which may hold a key
        found = self._routes.find(path, scope["method"])
        if found is None:
            report("404", started, "-", subject)
            await PlainTextResponse("No function is at this path.", 404)(scope, receive, send)
            return
        function, route_params = found
        failure = ""
        try:
            limited = limit_body(scope, receive, self._body_limit)
            response = await self._respond(function, route_params, scope, limited)
        except HTTPException as error:
            limited, response = receive, _refusal(error)
        except ClientDisconnect:
            report("left", started, function.name, subject)
            return
        except asyncio.CancelledError:  # the host is stopping
            report("cut", started, function.name, subject)
            raise
        except Exception as error:  # user code raises anything; the caller gets Azure's answer
            failure, response = user_traceback(error), PlainTextResponse("Internal Server Error", 500)
        tell = partial(report, started=started, function=function.name, subject=subject, failure=failure)
        try:
            await response(scope, limited, _telling(tell, send))
        except ClientDisconnect:
            return
        except Exception as error:
            report("failed", started, function.name, f"{subject} while it was streaming", user_traceback(error))
            raise ResponseBroken from error

    async def _respond(
        self, function: Function, route_params: dict[str, str], scope: Scope, receive: Receive
    ) -> Response:
        if self._keys is not None and not self._keys.admits(function, presented_key(scope)):
            return Response(status_code=401)
        if function.unserved is not None:
            return PlainTextResponse(f"The function '{function.name}' is not served: {function.unserved}.", 501)
        data = binding_data(scope, route_params)
        trigger_value = await self._style.request(scope, receive, data)
        return await self._invoker.invoke(function, trigger_value, data, self._style.response)


def _telling(tell: Callable[[str], None], send: Send) -> Send:
    """`tell` gets the status when it is sent: not before, as a response may be an app that has yet to answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            tell(str(message["status"]))
        await send(message)

    return sending


def _refusal(error: HTTPException) -> Response:
    """The answer for an `HTTPException`, the host's or the user's, as FastAPI words it."""
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
