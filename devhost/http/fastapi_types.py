"""The request and response types of `azurefunctions-extensions-http-fastapi`: Starlette's own, truly streaming."""

from __future__ import annotations

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope

from devhost.expressions import BindingData


class FastApiStyle:
    """The types of the FastAPI extension: the request is live, its body unread, and the response may stream."""

    async def request(self, scope: Scope, receive: Receive, data: BindingData) -> object:
        """The request; `path_params` are those of the function's route."""
        return Request({**scope, "path_params": dict(data.values)}, receive)

    def response(self, value: object) -> Response:
        """Any Starlette response as it is; everything else as FastAPI would answer with it, which is JSON."""
        return value if isinstance(value, Response) else JSONResponse(jsonable_encoder(value))
