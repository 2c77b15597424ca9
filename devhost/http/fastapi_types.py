"""The request and response types of `azurefunctions-extensions-http-fastapi`: Starlette's own, truly streaming."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope


def to_fastapi_request(scope: Scope, receive: Receive, route_params: Mapping[str, str]) -> Request:
    """The live request, its body unread; `path_params` are those of the function's route."""
    return Request({**scope, "path_params": dict(route_params)}, receive)


def to_response(value: object) -> Response:
    """Any Starlette response as it is; everything else as FastAPI would answer with it, which is JSON."""
    return value if isinstance(value, Response) else JSONResponse(jsonable_encoder(value))


def refusal(error: HTTPException) -> Response:
    """The answer for an `HTTPException` that user code raised, as FastAPI words it."""
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
