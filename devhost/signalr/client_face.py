"""The face of the emulated service to clients: negotiation, then the hub protocol over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers, QueryParams
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from devhost.signalr.claims import user_claims
from devhost.signalr.endpoint import Endpoint, TokenRefused
from devhost.signalr.protocol import (
    CLOSE,
    handshake_frame,
    ping_frame,
    read_frames,
)
from devhost.signalr.service import Connection, Service
from devhost.signalr.trigger import Caller, Fire
from devhost.signalr.upstream import Upstream

PING_SECONDS = 15.0  # clients give up after 30 seconds of silence
_POLICY_VIOLATION = 1008
_SECRETS = ("access_token", "id")  # of a client's query: what lets it in


class ClientFace:
    """Serves `/client`. Tokens are those the app's negotiate function handed out."""

    def __init__(self, endpoint: Endpoint, service: Service, fire: Fire, ping_seconds: float) -> None:
        self._endpoint = endpoint
        self._service = service
        self._upstream = Upstream(fire)
        self._ping_seconds = ping_seconds

    async def negotiate(self, request: Request) -> Response:
        try:
            hub, claims = self._authenticate(request)
        except TokenRefused as error:
            return JSONResponse({"error": str(error)}, 401)
        connection = self._service.negotiate(hub, _user(claims))
        version = 1 if request.query_params.get("negotiateVersion") == "1" else 0
        answer: dict[str, object] = {
            "negotiateVersion": version,
            "connectionId": connection.id if version else connection.token,
            "availableTransports": [{"transport": "WebSockets", "transferFormats": ["Text"]}],
        }
        if version:
            answer["connectionToken"] = connection.token
        return JSONResponse(answer)

    async def connect(self, websocket: WebSocket) -> None:
        try:
            hub, claims = self._authenticate(websocket)
        except TokenRefused:
            await websocket.close(_POLICY_VIOLATION)  # before accepting, so the client sees a 403
            return
        await websocket.accept()
        if not await _shake_hands(websocket):
            return
        connection = self._service.connect(hub, _user(claims), websocket.query_params.get("id"))
        query = {name: value for name, value in websocket.query_params.items() if name not in _SECRETS}
        caller = Caller(connection.hub, connection.id, connection.user, user_claims(claims), query)
        writer = asyncio.create_task(self._write(websocket, connection))
        self._upstream.connected(caller)
        error = ""
        try:
            error = await self._read(websocket, connection, caller)
        finally:
            self._service.disconnect(connection)
            self._upstream.disconnected(caller, error)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def _authenticate(self, connection: HTTPConnection) -> tuple[str, dict[str, object]]:
        """The hub and the claims of a client's token. Raises `TokenRefused`."""
        hub = connection.query_params.get("hub", "")
        token = bearer(connection.headers, connection.query_params)
        return hub, self._endpoint.check(token, self._endpoint.client_url(hub))

    async def _read(self, websocket: WebSocket, connection: Connection, caller: Caller) -> str:
        """Answer what the client sends until it goes; returns what was wrong with it, empty when it just left."""
        while True:
            try:
                frames = read_frames(await _receive(websocket))
            except WebSocketDisconnect:
                return ""
            except ValueError as error:
                await websocket.close(_POLICY_VIOLATION)
                return str(error)
            for frame in frames:
                if frame.get("type") == CLOSE:
                    return str(frame.get("error") or "")
                self._upstream.take(frame, connection, caller)

    async def _write(self, websocket: WebSocket, connection: Connection) -> None:
        while True:
            try:
                frame = await asyncio.wait_for(connection.outgoing.get(), self._ping_seconds)
            except TimeoutError:
                frame = ping_frame()
            if frame is None:
                await websocket.close()
                return
            await websocket.send_text(frame)


def bearer(headers: Headers, query: QueryParams) -> str:
    """The token of a request: a header, or the query where browsers cannot set headers. Empty when there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else query.get("access_token", "")


async def _shake_hands(websocket: WebSocket) -> bool:
    try:
        frames = read_frames(await _receive(websocket))
    except (ValueError, WebSocketDisconnect):
        frames = []
    protocol = frames[0].get("protocol") if frames else None
    if protocol == "json":
        await websocket.send_text(handshake_frame())
        return True
    if frames:
        await websocket.send_text(handshake_frame(f"The protocol '{protocol}' is not supported, only 'json' is."))
        await websocket.close()
    return False


def _user(claims: Mapping[str, object]) -> str | None:
    user = claims.get("nameid")
    return None if user is None else str(user)


async def _receive(websocket: WebSocket) -> str:
    """One message as text: some clients send the JSON protocol in binary messages."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text: str | None = message.get("text")
    return text if text is not None else bytes(message["bytes"]).decode()
