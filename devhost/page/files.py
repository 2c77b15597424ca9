"""The page's own files, served as they are: no build step, nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH: Final = "/devhost"

_TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript", "svg": "image/svg+xml"}
_HEADERS = {
    # What apps write is shown here: should a piece of it ever pass for markup, it still may load and run nothing.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
    "'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # a new version of the host brings a new page
}


def page_routes() -> list[Route]:
    """`/devhost` and the files it names below `/devhost/static`."""
    static = files("devhost.page") / "static"
    routes = [_route(f"{PATH}/static/{file.name}", file.name, file.read_bytes()) for file in static.iterdir()]
    index = (static / "index.html").read_bytes()
    return [_route(PATH, "index.html", index), _route(f"{PATH}/", "index.html", index), *routes]


def _route(path: str, name: str, content: bytes) -> Route:
    media_type = _TYPES[name.rpartition(".")[2]]

    async def serve(_: Request) -> Response:
        return Response(content, headers=_HEADERS, media_type=media_type)

    return Route(path, serve)
