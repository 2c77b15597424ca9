"""A web server that outlives the host, for `call_http`: it counts the requests for each of its paths."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class HttpStub:
    """`/now` answers its number at once, `/later` after a poll: `{"now": 3}` is the third request for it."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.removeprefix("/")
                polled = name.removesuffix("-poll")
                requests[name] += 1
                self.send_response(202 if name == "later" else 200)
                if name == "later":
                    self.send_header("Location", "/later-poll")
                    self.send_header("Retry-After", "0")
                body = json.dumps({polled: requests[polled]}).encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: pytest shows too much already."""

        return Handler
