"""The host's own small admin face."""

from __future__ import annotations

import time
import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class HostStatus:
    """Answers `GET /admin/host/status`, with which tools ask whether the host is up."""

    def __init__(self) -> None:
        self._id = uuid.uuid4().hex
        self._started = time.monotonic()
        self.routes = [Route("/admin/host/status", self._status), Route("/admin/host/ping", self._ping)]

    async def _status(self, _: Request) -> Response:
        uptime = int((time.monotonic() - self._started) * 1000)
        return JSONResponse({"id": self._id, "state": "Running", "version": "devhost", "processUptime": uptime})

    async def _ping(self, _: Request) -> Response:
        return Response(status_code=200)
