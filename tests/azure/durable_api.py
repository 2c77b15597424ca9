"""The durable extension's HTTP API, as far as starting orchestrations goes: it starts none and writes all down."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Started:
    """A request to start an orchestration; `input` is the body as it came."""

    name: str
    instance: str
    input: str


class DurableApi:
    def __init__(self) -> None:
        self.started: list[Started] = []
        self.raised: list[tuple[str, str]] = []
        """Events by instance and name."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        origin = f"http://127.0.0.1:{self._server.server_port}/runtime/webhooks/durabletask"
        self.client = json.dumps(
            {
                "taskHubName": "TestHub",
                "creationUrls": {
                    "createNewInstancePostUri": f"{origin}/orchestrators/{{functionName}}[/{{instanceId}}]"
                },
                "managementUrls": {"id": "INSTANCEID", "statusQueryGetUri": f"{origin}/instances/INSTANCEID"},
                "baseUrl": origin,
                "requiredQueryStringParameters": "code=key",
                "rpcBaseUrl": f"{origin}/",
            }
        )
        """What the `durableClient` input binding gives to a function."""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        started, raised = self.started, self.raised

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                *_, before, what, last = self.path.partition("?")[0].split("/")
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if what == "raiseEvent":
                    raised.append((before, last))
                    return self._answer(202, None)
                started.append(Started(what, last, body))
                return self._answer(202, {"id": last})

            def do_GET(self) -> None:
                """The status of an instance: there is none."""
                self._answer(404, None)

            def _answer(self, status: int, body: Any) -> None:
                content = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Tests read `started` instead."""

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
