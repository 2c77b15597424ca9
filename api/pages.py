"""The web page, as `make setup` built it."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

DIST = Path(__file__).parent.parent / "web" / "dist"

_HASHED = "assets/"
"""Vite names the files below it by their content, so they never change."""

_SECURITY = {
    # Live messages come from the SignalR service, whose address is only known at run time.
    "Content-Security-Policy": "default-src 'self'; connect-src *; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Meta-Agents</title>
<body style="font: 16px/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>The web page is not built yet</h1>
<p>The service is up. Run <code>make setup</code> where it is installed to build the page, then load this again.</p>
</body></html>"""


class Pages:
    """Serves the files of `dist`; raises `HTTPException` 404 or 405 for what is not there."""

    def __init__(self, dist: Path = DIST) -> None:
        self._dist = dist
        self._files = _Files(directory=dist, html=True, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asks_for_page = scope["path"] == "/" and scope["method"] in ("GET", "HEAD")
        if asks_for_page and not (self._dist / "index.html").is_file():
            await HTMLResponse(_NOT_BUILT, headers={"Cache-Control": "no-store"})(scope, receive, send)
        else:
            response = await self._files.get_response(self._files.get_path(scope), scope)
            await response(scope, receive, send)


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        for name, value in _SECURITY.items():
            response.headers[name] = value
        forever = path.startswith(_HASHED)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if forever else "no-cache"
        return response
