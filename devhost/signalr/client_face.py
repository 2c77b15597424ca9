"""The face of the emulated service to clients: negotiation, then the hub protocol over a WebSocket."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers, QueryParams
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from devhost.signalr.endpoint import Endpoint, TokenRefused
from devhost.signalr.protocol import (
    CLOSE,
    INVOCATION,
    handshake_frame,
    ping_frame,
    read_frames,
    refused_invocation_frame,
)
from devhost.signalr.service import Connection, Service

PING_SECONDS = 15.0  # clients give up after 30 seconds of silence
_POLICY_VIOLATION = 1008


class ClientFace:
    """Serves `/client`. Tokens are those the app's negotiate function handed out."""

    def __init__(self, endpoint: Endpoint, service: Service, ping_seconds: float) -> None:
        self._endpoint = endpoint
        self._service = service
        self._ping_seconds = ping_seconds

    async def negotiate(self, request: Request) -> Response:
        try:
            hub, user = self._authenticate(request)
        except TokenRefused as error:
            return JSONResponse({"error": str(error)}, 401)
        connection = self._service.negotiate(hub, user)
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
            hub, user = self._authenticate(websocket)
        except TokenRefused:
            await websocket.close(_POLICY_VIOLATION)  # before accepting, so the client sees a 403
            return
        await websocket.accept()
        if not await _shake_hands(websocket):
            return
        connection = self._service.connect(hub, user, websocket.query_params.get("id"))
        writer = asyncio.create_task(self._write(websocket, connection))
        try:
            await _read(websocket, connection)
        finally:
            self._service.disconnect(connection)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    def _authenticate(self, connection: HTTPConnection) -> tuple[str, str | None]:
        """The hub and the user of a client's token. Raises `TokenRefused`."""
        hub = connection.query_params.get("hub", "")
        claims = self._endpoint.check(
            bearer(connection.headers, connection.query_params), self._endpoint.client_url(hub)
        )
        user = claims.get("nameid")
        return hub, None if user is None else str(user)

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


async def _read(websocket: WebSocket, connection: Connection) -> None:
    """Answer what the client sends until it goes."""
    while True:
        try:
            frames = read_frames(await _receive(websocket))
        except WebSocketDisconnect:
            return
        except ValueError:
            await websocket.close(_POLICY_VIOLATION)
            return
        for frame in frames:
            if frame.get("type") == CLOSE:
                return
            if frame.get("type") == INVOCATION and frame.get("invocationId") is not None:
                connection.send(refused_invocation_frame(str(frame["invocationId"]), str(frame.get("target"))))


async def _receive(websocket: WebSocket) -> str:
    """One message as text: some clients send the JSON protocol in binary messages."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text: str | None = message.get("text")
    return text if text is not None else bytes(message["bytes"]).decode()
