"""The ASGI app that serves an app's HTTP functions."""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from devhost.functions import Function
from devhost.http import classic, fastapi_types
from devhost.http.limits import DEFAULT_BODY_LIMIT, limit_body
from devhost.http.routing import RouteTable
from devhost.invocation import Invoker, user_traceback

log = logging.getLogger("devhost")


class FunctionDispatcher:
    """Routes a request to its function and sends what the function answers.

    With `fastapi` every function gets and returns the types of the FastAPI extension, otherwise the classic ones.
    """

    def __init__(
        self, routes: RouteTable, invoker: Invoker, *, fastapi: bool, body_limit: int = DEFAULT_BODY_LIMIT
    ) -> None:
        self._routes = routes
        self._invoker = invoker
        self._fastapi = fastapi
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        found = self._routes.find(scope.get("raw_path", scope["path"].encode()), scope["method"])
        if found is None:
            await PlainTextResponse("No function is at this path.", 404)(scope, receive, send)
            return
        function, route_params = found
        try:
            limited = limit_body(scope, receive, self._body_limit)
            response = await self._respond(function, route_params, scope, limited)
        except HTTPException as error:
            limited, response = receive, fastapi_types.refusal(error)
        except ClientDisconnect:
            return
        await self._send(function, response, scope, limited, send)

    async def _respond(
        self, function: Function, route_params: dict[str, str], scope: Scope, receive: Receive
    ) -> Response:
        if function.unserved is not None:
            return PlainTextResponse(f"The function '{function.name}' is not served: {function.unserved}.", 501)
        request = Request(scope, receive)
        data = classic.binding_data(request, route_params)
        trigger_value = (
            fastapi_types.to_fastapi_request(scope, receive, route_params)
            if self._fastapi
            else classic.to_http_request(request, await request.body(), data)
        )
        try:
            to_response = fastapi_types.to_response if self._fastapi else classic.to_response
            return await self._invoker.invoke(function, trigger_value, data, to_response)
        except HTTPException:
            raise
        except Exception:  # user code raises anything; the log has it already, the caller gets Azure's answer
            return PlainTextResponse("Internal Server Error", 500)

    async def _send(self, function: Function, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await response(scope, receive, send)
        except ClientDisconnect:
            return
        except Exception as error:
            log.error("%s failed while its response was streaming\n%s", function.name, user_traceback(error))
            raise
