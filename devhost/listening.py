"""The socket the host listens on."""

from __future__ import annotations

import socket

from devhost.errors import StartupError


def listen(host: str, port: int) -> socket.socket:
    """Bind a TCP socket; port 0 takes a free one. Raises `StartupError` when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Saying TCP matters: asyncio turns off the 40 ms that small packets may wait only on sockets that say so.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:  # the latter for a number that is no port
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "a port is a number from 0 to 65535"
        raise StartupError(f"Cannot listen on {host}:{port}: {reason}; choose another with --port.") from error
    listener.listen(2048)  # callers of the app's first activities wait here until the server takes over
    return listener


def origin_of(listener: socket.socket) -> str:
    """Where this machine reaches the listener; one that listens everywhere is reached on the loopback."""
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{reachable}:{port}"
