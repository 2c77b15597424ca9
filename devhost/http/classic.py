"""`azure.functions.HttpRequest` in, `azure.functions.HttpResponse` out."""

from __future__ import annotations

from collections.abc import Mapping

import azure.functions as func
from azure.functions.meta import Datum
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from devhost.converters import converter_for
from devhost.expressions import BindingData
from devhost.functions import HTTP_TRIGGER


class ClassicStyle:
    """The types of `azure.functions`: the whole body is read before the function runs."""

    async def request(self, scope: Scope, receive: Receive, data: BindingData) -> object:
        """The `HttpRequest` user code sees. Its body is always bytes."""
        request = Request(scope, receive)
        value = {
            "method": Datum(request.method, "string"),
            "url": Datum(_url(request), "string"),
            "headers": _data(data.headers),
            "query": _data(data.query),
            "params": _data(data.values),
            "body": Datum(await request.body(), "bytes"),
        }
        return converter_for(HTTP_TRIGGER).decode(Datum(value, "http"), trigger_metadata=None)

    def response(self, value: object) -> Response:
        """The answer for an `HttpResponse` or text. Raises `TypeError` for anything else, None included."""
        if isinstance(value, str):
            return Response(value, media_type="text/plain")
        if not isinstance(value, func.HttpResponse):
            raise TypeError(f"an HTTP function returns azure.functions.HttpResponse or str, not {type(value).__name__}")
        response = Response(value.get_body(), value.status_code)
        if "content-type" not in value.headers:
            charset = f"; charset={value.charset}" if value.mimetype.startswith("text/") else ""
            response.headers["content-type"] = f"{value.mimetype}{charset}"
        for name, text in value.headers.items():
            if name.lower() != "content-length":  # the body's real length is already there
                response.headers.append(name, text)
        return response


def _url(request: Request) -> str:
    """The URL as it was sent: Starlette's own would show the path decoded."""
    path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return f"{request.url.scheme}://{request.url.netloc}{path}{'?' if query else ''}{query}"


def _data(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}
