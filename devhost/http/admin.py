"""The host's own small admin face: is it up, what does it serve, and run a function by hand that nobody calls."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devhost.durable.client import API_PATH
from devhost.functions import HTTP_TRIGGER, Function, JsonValue
from devhost.triggers import BY_HAND, Triggers


class AdminApi:
    """Answers below `/admin` as Azure's host does. `routes` is what to serve."""

    def __init__(self, functions: Sequence[Function], urls: Mapping[str, str], triggers: Triggers, origin: str) -> None:
        """`urls`: what reaches each HTTP function, by its name."""
        self._functions = {function.name.lower(): function for function in functions}
        self._urls = urls
        self._triggers = triggers
        self._origin = origin
        self._id = uuid.uuid4().hex
        self._started = time.monotonic()
        self.routes = [
            Route("/admin/host/status", self._host_status),
            Route("/admin/host/ping", self._ping, methods=["GET", "POST"]),
            Route("/admin/functions", self._list),
            Route("/admin/functions/{name}", self._show),
            Route("/admin/functions/{name}", self._run, methods=["POST"]),
            Route("/admin/functions/{name}/status", self._function_status),
        ]

    async def _host_status(self, _: Request) -> Response:
        uptime = int((time.monotonic() - self._started) * 1000)
        return JSONResponse({"id": self._id, "state": "Running", "version": "devhost", "processUptime": uptime})

    async def _ping(self, _: Request) -> Response:
        return Response(status_code=200)

    async def _list(self, _: Request) -> Response:
        return JSONResponse([self._description(function) for function in self._functions.values()])

    async def _show(self, request: Request) -> Response:
        function = self._find(request)
        return self._unknown(request) if function is None else JSONResponse(self._description(function))

    async def _function_status(self, request: Request) -> Response:
        function = self._find(request)
        if function is None:
            return self._unknown(request)
        return JSONResponse({"errors": [function.unserved]} if function.unserved else {})

    async def _run(self, request: Request) -> Response:
        function = self._find(request)
        if function is None:
            return self._unknown(request)
        invocation = _invocation(await request.body())
        if invocation is None:
            return _told(400, 'The body must be a JSON object such as {"input": ""}.')
        if reason := self._why_not_by_hand(function):
            return _told(404, reason)
        self._triggers.fire_by_hand(function, invocation.get("input", ""))
        return Response(status_code=202)

    def _why_not_by_hand(self, function: Function) -> str | None:
        if why := function.disabled or function.unserved:
            return f"The function '{function.name}' is not served: {why}."
        if function.trigger.type == HTTP_TRIGGER:
            return f"The function '{function.name}' has an HTTP trigger: call {self._urls[function.name]}."
        if function.trigger.type not in BY_HAND:
            return (
                f"Only the durable engine runs the function '{function.name}' ({function.trigger.type}): "
                f"start an orchestration or signal an entity through {self._origin}{API_PATH}."
            )
        return None

    def _find(self, request: Request) -> Function | None:
        return self._functions.get(request.path_params["name"].lower())

    def _unknown(self, request: Request) -> Response:
        known = ", ".join(function.name for function in self._functions.values())
        return _told(404, f"There is no function '{request.path_params['name']}'; this app has {known}.")

    def _description(self, function: Function) -> dict[str, JsonValue]:
        bindings = [function.trigger, *function.inputs, *function.outputs]
        if function.returns is not None:
            bindings.append(function.returns)
        return {
            "name": function.name,
            "href": f"{self._origin}/admin/functions/{function.name}",
            "invoke_url_template": self._urls.get(function.name),
            "language": "python",
            "config": {"name": function.name, "bindings": [dict(binding.properties) for binding in bindings]},
            "isDisabled": function.disabled is not None,
        }


def _invocation(body: bytes) -> dict[str, JsonValue] | None:
    try:
        parsed = json.loads(body)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _told(code: int, message: str) -> Response:
    return JSONResponse({"message": message}, code)
