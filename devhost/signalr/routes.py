"""The HTTP surface of the emulated service: the clients' part, and the REST API that app servers call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from devhost.signalr.client_face import PING_SECONDS, ClientFace, bearer
from devhost.signalr.endpoint import Endpoint, TokenRefused
from devhost.signalr.messages import GroupAction, Message, Payload
from devhost.signalr.service import Service
from devhost.signalr.trigger import Fire, nobody

Handler = Callable[[Request], Awaitable[Response]]

# The service proper sits on origins of its own, so a page reaches it across origins, and the client sends credentials.
_CORS = Middleware(
    CORSMiddleware, allow_origin_regex=".*", allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
)


class SignalRApi:
    """Serves a `Service` at an endpoint. `routes` is what to mount, before the app's own routes."""

    def __init__(
        self,
        endpoint: Endpoint,
        service: Service,
        ping_seconds: float = PING_SECONDS,
        fire: Fire = nobody,
    ) -> None:
        """`fire` tells functions what clients do."""
        self._endpoint = endpoint
        self._service = service
        clients = ClientFace(endpoint, service, fire, ping_seconds)
        self.routes: list[BaseRoute] = [
            Route("/client/negotiate", clients.negotiate, methods=["POST", "OPTIONS"], middleware=[_CORS]),
            WebSocketRoute("/client/", clients.connect),
            WebSocketRoute("/client", clients.connect),
        ]
        # Two shapes of the same API: the current one and the older `v1`, whose sends carry no `:send`.
        for base, send in (("/api/hubs/{hub}", "/:send"), ("/api/v1/hubs/{hub}", "")):
            self.routes += self._rest(base, send)

    def _rest(self, base: str, send: str) -> list[BaseRoute]:
        # Names of groups and users may hold slashes, so they take whatever is left: the longer paths come first.
        table: list[tuple[str, list[str], Handler]] = [
            (send, ["POST"], self._send),
            ("/groups/{group:path}/connections/{connection}", ["PUT", "DELETE"], self._group),
            ("/groups/{group:path}/users/{user:path}", ["PUT", "DELETE"], self._group),
            ("/users/{user:path}/groups/{group:path}", ["PUT", "DELETE"], self._group),
            ("/users/{user:path}/groups", ["DELETE"], self._group),
            ("/connections/{connection}/groups", ["DELETE"], self._group),
            (f"/users/{{user:path}}{send}", ["POST"], self._send),
            (f"/groups/{{group:path}}{send}", ["POST"], self._send),
            (f"/connections/{{connection}}{send}", ["POST"], self._send),
            ("/connections/{connection}", ["GET", "DELETE"], self._connection),
            ("/users/{user:path}", ["GET"], self._exists),
            ("/groups/{group:path}", ["GET"], self._exists),
        ]
        return [Route(base + path, self._authorised(handler), methods=methods) for path, methods, handler in table]

    def _authorised(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            try:
                audience = f"{self._endpoint.url}{request.scope['raw_path'].decode('latin-1')}"
                self._endpoint.check(bearer(request.headers, request.query_params), audience)
            except TokenRefused as error:
                return JSONResponse({"code": "Unauthorized", "message": str(error)}, 401)
            return await handler(request)

        return answer

    async def _send(self, request: Request) -> Response:
        try:
            payload = Payload.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"code": "BadRequest", "message": str(error)}, 400)
        message = Message(
            target=payload.target,
            arguments=payload.arguments,
            connection_id=request.path_params.get("connection"),
            user_id=request.path_params.get("user"),
            group_name=request.path_params.get("group"),
        )
        self._service.send(request.path_params["hub"], message, request.query_params.getlist("excluded"))
        return Response(status_code=202)

    async def _connection(self, request: Request) -> Response:
        connection = self._service.find(request.path_params["hub"], request.path_params["connection"])
        if request.method == "DELETE":
            if connection is not None:
                self._service.close(connection, request.query_params.get("reason"))
            return Response(status_code=202)
        return Response(status_code=404 if connection is None else 200)

    async def _exists(self, request: Request) -> Response:
        hub, group = request.path_params["hub"], request.path_params.get("group")
        found = (
            self._service.has_user(hub, request.path_params["user"])
            if group is None
            else self._service.has_group(hub, group)
        )
        return Response(status_code=200 if found else 404)

    async def _group(self, request: Request) -> Response:
        parameters = request.path_params
        group = parameters.get("group")
        action = GroupAction(
            action="removeAll" if group is None else "add" if request.method == "PUT" else "remove",
            group_name=group,
            connection_id=parameters.get("connection"),
            user_id=parameters.get("user"),
        )
        if not self._service.apply(parameters["hub"], action):
            return JSONResponse({"code": "Error.Connection.NotExisted"}, 404)
        return Response(status_code=200 if "connection" in parameters else 202)
