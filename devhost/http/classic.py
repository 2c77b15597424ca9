"""`azure.functions.HttpRequest` in, `azure.functions.HttpResponse` out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import azure.functions as func
from azure.functions.meta import Datum
from starlette.requests import Request
from starlette.responses import Response

from devhost.converters import converter_for
from devhost.expressions import BindingData
from devhost.functions import HTTP_TRIGGER


def binding_data(request: Request, route_params: Mapping[str, str]) -> BindingData:
    """What binding expressions of an HTTP function may use."""
    headers = _joined(request.headers.items())
    return BindingData(headers=headers, query=_joined(request.query_params.multi_items()), values=route_params)


def to_http_request(request: Request, body: bytes, data: BindingData) -> object:
    """The `HttpRequest` user code sees. Its body is always bytes; empty headers and query values are dropped."""
    value = {
        "method": Datum(request.method, "string"),
        "url": Datum(_url(request), "string"),
        "headers": _data(data.headers),
        "query": _data(data.query),
        "params": _data(data.values),
        "body": Datum(body, "bytes"),
    }
    return converter_for(HTTP_TRIGGER).decode(Datum(value, "http"), trigger_metadata=None)


def to_response(value: object) -> Response:
    """The answer for what the function returned: an `HttpResponse` or text. Raises `TypeError` for anything else."""
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


def _joined(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in items:
        if value:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _data(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}
