"""Where the API is and how to prove who we are: arguments, else the environment, else what `make start` sets up."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from meta_agents.errors import InvalidArgument

DEFAULT_URL = "http://127.0.0.1:7071"


@dataclass(frozen=True)
class Connection:
    url: str
    token: str | None = field(repr=False)


def connection(
    url: str | None = None, token: str | None = None, environment: Mapping[str, str] = os.environ
) -> Connection:
    """Settle the address and the token; without one the server decides what an unknown caller may do.

    The local token file is read only for an address of this machine: it is nobody else's to see.
    Raises `InvalidArgument` for an address that is not http(s)://host, and for a token that no request can carry.
    """
    url = url or environment.get("META_AGENTS_URL") or DEFAULT_URL
    host = _host_of(url)
    token = token or environment.get("META_AGENTS_TOKEN")
    if token is None and is_loopback(host):
        token = _token_file(Path(environment.get("STATE_DIR") or ".local") / "token")
    token = (token or "").strip()
    if not all("!" <= mark <= "~" for mark in token):
        # It is not repeated: it may be the right one with a slip in it.
        raise InvalidArgument(
            "The token has blanks, or characters that no token has.", "Mend META_AGENTS_TOKEN, or the token file."
        )
    return Connection(url, token or None)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_of(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise InvalidArgument(
            f"{url!r} is not an address.", f"Give one like {DEFAULT_URL} (META_AGENTS_URL, or --url)."
        )
    return parsed.host


def _token_file(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidArgument(
            f"The token file {path} cannot be read ({error.strerror}).", "Set META_AGENTS_TOKEN, or mend the file."
        ) from error
