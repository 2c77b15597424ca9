"""Between a client and a real server over HTTP: passes requests on, and does to some what networks and clouds do."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_OF_A_CONNECTION = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(frozen=True)
class Request:
    """One that came in; `done()` has the server do it, and gives what it answers."""

    method: str
    path: str
    done: Callable[[], Answer]
    let_go: threading.Event
    """Set when nobody waits any more."""


@dataclass(frozen=True)
class Answer:
    """`cut`: after so many bytes of the body the connection ends; after -1, before the first byte of the head."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None


Fault = Callable[[Request], Answer]

_CUT = Answer(0, cut=-1)


def refused(status: int, code: str, **headers: str) -> Fault:
    """The server does not do it, and says so as Azure does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Answer(status, {"x-ms-error-code": code, **named})


def cut_off(request: Request) -> Answer:
    """The connection ends before the server has the request."""
    return _CUT


def lost(request: Request) -> Answer:
    """The server does it, and its answer never arrives."""
    request.done()
    return _CUT


def cut_after(length: int) -> Fault:
    """The connection ends in the middle of the answer's body."""
    return lambda request: Answer(**{**vars(request.done()), "cut": length})


def altered(body: bytes) -> Fault:
    """What is answered is not what is there."""
    return lambda request: Answer(**{**vars(request.done()), "body": body})


def silence(request: Request) -> Answer:
    """No answer comes, and the connection stays."""
    request.let_go.wait()
    return _CUT


def unheard(request: Request) -> Answer:
    """The server does it, and no answer comes."""
    request.done()
    return silence(request)


class Proxy:
    """`seen`: the method and the status of each request, 0 where none was answered, in the order of the answers."""

    def __init__(self, upstream: int) -> None:
        self.seen: list[tuple[str, int]] = []
        self.let_go = threading.Event()
        self.upstream = upstream
        self._faults: list[tuple[str, Fault]] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            server_of = proxy

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.block_on_close = False
        self.port = int(self._server.server_address[1])

    def fault(self, method: str, *faults: Fault) -> None:
        """What happens to the next requests with the method, one after the other; then they are passed on again."""
        with self._lock:
            self._faults += [(method, fault) for fault in faults]

    def take(self, method: str) -> Fault | None:
        with self._lock:
            mine = next((one for one in self._faults if one[0] == method), None)
            if mine is not None:
                self._faults.remove(mine)
            return mine[1] if mine else None

    @property
    def is_quiet(self) -> bool:
        """Whether all faults have happened."""
        return not self._faults

    def is_quiet_for(self, method: str) -> bool:
        """Whether those of requests with the method have."""
        return all(awaited != method for awaited, _ in self._faults)

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.01)

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def before(upstream: int) -> Iterator[Proxy]:
    """One in front of the server at this port of the loopback interface."""
    proxy = Proxy(upstream)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked is gone: here that is what was meant."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: Proxy

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        proxy = self.server_of
        request = Request(self.command, self.path, lambda: self._done(body), proxy.let_go)
        fault = proxy.take(self.command)
        answer = fault(request) if fault else request.done()
        proxy.seen.append((self.command, answer.status if answer.cut is None else 0))
        self._answer(answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle

    def _done(self, body: bytes) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server_of.upstream)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def _answer(self, answer: Answer) -> None:
        self.close_connection = answer.cut is not None
        if answer.cut == -1:
            return
        self.send_response_only(answer.status)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_A_CONNECTION}
        for name, value in kept.items():
            self.send_header(name, value)
        length = answer.headers.get("content-length", "0") if self.command == "HEAD" else str(len(answer.body))
        self.send_header("content-length", length)
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut])

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests look at `seen`."""
