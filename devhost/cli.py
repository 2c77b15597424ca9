"""`python -m devhost`: the command line."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from devhost.errors import StartupError
from devhost.process import EXIT_STARTUP


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 after a stop, 1 after a failure, 2 for no start."""
    parsed = _parser().parse_args(arguments)
    try:
        return _watch(parsed) if parsed.watch else _serve(parsed)
    except StartupError as error:
        print(f"devhost: {error}", file=sys.stderr)
        return EXIT_STARTUP


def _serve(parsed: argparse.Namespace) -> int:
    # Slow to import, and of no use to the process that only watches.
    from devhost.host import HostOptions  # noqa: PLC0415
    from devhost.serving import serve  # noqa: PLC0415

    listener = None if parsed.listen_fd is None else socket.socket(fileno=parsed.listen_fd)
    options = HostOptions(parsed.app, parsed.state, parsed.host, parsed.port, parsed.keys, listener)
    return serve(options, parsed.with_parent, verbose=parsed.verbose)


def _watch(parsed: argparse.Namespace) -> int:
    from devhost.watch import Supervisor  # noqa: PLC0415 - needs packages that nothing else needs

    flags = [flag for flag, is_on in (("--keys", parsed.keys), ("--verbose", parsed.verbose)) if is_on]
    arguments = ["--app", str(parsed.app), "--state", str(parsed.state), *flags]
    return Supervisor(parsed.app, arguments, parsed.host, parsed.port).run(parsed.with_parent)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="devhost", description="Serve an Azure Functions app (Python v2 model) with durable state in one file."
    )
    parser.add_argument("--app", type=Path, default=Path(), help="folder of function_app.py (default: here)")
    parser.add_argument("--port", type=int, default=7071, help="port to listen on, 0 for a free one (default: 7071)")
    parser.add_argument("--state", type=Path, required=True, help="file that keeps orchestrations and entities")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--keys", action="store_true", help="ask callers for Azure's keys, kept beside the state file")
    parser.add_argument("--watch", action="store_true", help="start the host again when the app's files change")
    parser.add_argument("--with-parent", type=int, metavar="PID", help="stop when this process, our parent, has ended")
    parser.add_argument("--verbose", action="store_true", help="also log each orchestrator turn and library messages")
    parser.add_argument("--listen-fd", type=int, help=argparse.SUPPRESS)  # the socket of the process that watches
    return parser
