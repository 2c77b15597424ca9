"""`python -m tests.cosmos`: serve until told to end."""

from __future__ import annotations

import argparse
import ssl
from contextlib import suppress
from pathlib import Path
from socket import create_server, socket
from typing import Any

import trustme
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.cosmos.account import LEVELS, STRONG
from tests.cosmos.server import CUT, Application


class _Breakable(HttpToolsProtocol):
    """Lets the application break its connection off."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CUT: self.transport.abort}  # type: ignore[dict-item]


class _Announcing(uvicorn.Server):
    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        scheme = "https" if self.config.ssl else "http"
        [listening] = sockets or []
        print(f"READY {scheme}://127.0.0.1:{listening.getsockname()[1]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cosmos")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--tls", action="store_true", help="with a certificate of an authority made for this run")
    parser.add_argument("--ca-file", type=Path, help="where that authority's certificate is written")
    parser.add_argument("--consistency", choices=LEVELS, default=STRONG, help="the account's default level")
    given = parser.parse_args()
    listening = create_server(("127.0.0.1", given.port))  # a port that it had until just now counts as free
    options: dict[str, Any] = {"http": _Breakable, "log_level": "warning", "lifespan": "off", "ws": "none"}
    config = uvicorn.Config(
        Application(consistency=given.consistency),
        access_log=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
        **options,
    )
    if given.tls:
        config.load()
        config.ssl = _context(given.ca_file)
    with suppress(KeyboardInterrupt):
        _Announcing(config).run(sockets=[listening])


def _context(ca_file: Path | None) -> ssl.SSLContext:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    if ca_file is not None:
        authority.cert_pem.write_to_path(str(ca_file))
    return context


if __name__ == "__main__":
    main()
