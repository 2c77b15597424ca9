"""The webhook that a SignalR service elsewhere calls, the official emulator for one, as its upstream."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devhost.functions import Binding
from devhost.signalr.endpoint import Endpoint
from devhost.signalr.protocol import read_frames
from devhost.signalr.trigger import MESSAGES, Caller, Event, SignalRTriggers
from devhost.signalr.upstream import answer_frame

EXTENSION = "signalr"


class UpstreamWebhook:
    """Answers as the SignalR extension does. `route` is what to serve."""

    def __init__(self, triggers: SignalRTriggers, endpoint_of: Callable[[Binding], Endpoint]) -> None:
        """`endpoint_of`: the service that a binding's setting names, or `ValueError`."""
        self._triggers = triggers
        self._endpoint_of = endpoint_of
        self.route = Route(f"/runtime/webhooks/{EXTENSION}", self._receive, methods=["POST"])

    async def _receive(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return Response("This host reads application/json only.", 415)
        try:
            frame = read_frames((await request.body()).decode())[0]
            event = _event(request.headers, frame)
        except (KeyError, IndexError, ValueError):
            return Response("This is no event of a SignalR service.", 400)
        function = self._triggers.find(event)
        if function is None:
            return Response(status_code=404)
        if not self._is_signed(request.headers, function.trigger):
            return Response(status_code=401)
        if frame.get("invocationId") is not None:
            answer = await answer_frame(self._triggers.fire, event, str(frame["invocationId"]))
            return Response(answer, media_type="application/json")
        with contextlib.suppress(Exception):  # user code raises anything; the log has it, and nobody waits for more
            await self._triggers.fire(event)
        return Response(status_code=200)

    def _is_signed(self, headers: Mapping[str, str], trigger: Binding) -> bool:
        try:
            key = self._endpoint_of(trigger).access_key
        except ValueError:
            return False
        digest = hmac.new(key.encode(), headers["x-asrs-connection-id"].encode(), hashlib.sha256).hexdigest()
        given = headers.get("x-asrs-signature", "").lower().split(",")
        return any([hmac.compare_digest(f"sha256={digest}".encode(), one.strip().encode()) for one in given])


def _event(headers: Mapping[str, str], frame: Mapping[str, object]) -> Event:
    """Raises `KeyError` or `ValueError` when something is missing."""
    category, name = headers["x-asrs-category"], headers["x-asrs-event"]
    if category.lower() == MESSAGES and str(frame["target"]).lower() != name.lower():
        raise ValueError("the message is not of the event")
    claims = (claim.partition(": ") for claim in headers.get("x-asrs-user-claims", "").split(","))
    caller = Caller(
        hub=headers["x-asrs-hub"],
        connection_id=headers["x-asrs-connection-id"],
        user=headers.get("x-asrs-user-id"),
        claims={key.strip(): value.strip() for key, _, value in reversed(list(claims)) if value},  # the first counts
        query=dict(parse_qsl(headers.get("x-asrs-client-query", "").removeprefix("?"), keep_blank_values=True)),
    )
    arguments, error = frame.get("arguments"), frame.get("error")
    return Event(
        caller,
        category,
        name,
        arguments if isinstance(arguments, list) else None,
        error if isinstance(error, str) else None,
        dict(headers),
    )
