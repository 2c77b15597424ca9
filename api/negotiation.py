"""Letting a watcher in: connection info for the stock SignalR client, and membership in the execution's group."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.bodies import read_json
from api.executions import existing
from api.parameters import json_body
from api.shapes import read_shape, request_problem
from domain.base import Shape
from domain.errors import ProblemError, invalid_request, platform_failed
from services.identity import Principal
from services.realtime import group_of
from services.wiring import services

router = APIRouter(tags=["live"])

NEGOTIATION = "meta_agents.negotiation"
"""Key of the ASGI scope under which the HTTP trigger puts a `Negotiation`."""


@dataclass
class Negotiation:
    """What passes between the trigger's bindings and the route.

    `connection`: the input binding's text. `joining`: the group action for the output binding, once it is allowed.
    """

    connection: str
    joining: str | None = None


class NegotiateRequest(Shape):
    """Body of `POST /api/negotiate`."""

    execution: str


@router.post("/api/negotiate", summary="Watch an execution live", openapi_extra=json_body("NegotiateRequest"))
async def negotiate(
    caller: Caller, request: Request, x_watcher: Annotated[str | None, Header(max_length=200)] = None
) -> Response:
    watcher = _watcher_of(caller, x_watcher)
    asked = read_shape(NegotiateRequest, await read_json(request), request_problem)
    execution = await existing(caller, asked.execution)
    negotiation: Negotiation | None = request.scope.get(NEGOTIATION)
    if negotiation is None:
        raise ProblemError(platform_failed("This request came without a SignalR connection."))
    await services().events.mark_watched(execution.tenant, execution.id)
    services().realtime.watch(execution.tenant, execution.id)
    group = group_of(execution.tenant, execution.id)
    negotiation.joining = json.dumps({"action": "add", "groupName": group, "userId": watcher})
    return JSONResponse(json.loads(negotiation.connection), headers={"Cache-Control": "no-store"})


def _watcher_of(caller: Principal, watcher: str | None) -> str:
    """The watcher's id. It comes from the client and names a SignalR user, so it must be one of the caller's tenant."""
    tenant, _, unique = (watcher or "").rpartition(".")
    try:
        canonical = str(uuid.UUID(unique)) == unique
    except ValueError:
        canonical = False
    if watcher is None or tenant != caller.tenant or not canonical:
        action = "Make one id per page and send it in the header `x-watcher`: your tenant, a dot, a random UUID."
        raise ProblemError(invalid_request("The watcher id is not one of your tenant.", action))
    return watcher
