"""Where a SignalR service is and how its tokens are signed."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import jwt

SETTING = "AzureSignalRConnectionString"
_ALGORITHM = "HS256"
_LIFETIME_SECONDS = 3600


class TokenRefused(Exception):
    """The token is missing, expired, for something else, or not signed with this service's key."""


@dataclass(frozen=True)
class Endpoint:
    """A SignalR service: its base URL without a trailing slash, and the access key shared with it."""

    url: str
    access_key: str

    @classmethod
    def parse(cls, connection_string: str) -> Endpoint:
        """Read `Endpoint=...;AccessKey=...;Version=1.0;`. Raises `ValueError` when a part is missing."""
        pairs = (part.partition("=") for part in connection_string.split(";") if part.strip())
        parts = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if not parts.get("endpoint") or not parts.get("accesskey"):
            raise ValueError("a SignalR connection string needs Endpoint and AccessKey")
        port = f":{parts['port']}" if "port" in parts else ""
        return cls(parts["endpoint"].rstrip("/") + port, parts["accesskey"])

    @property
    def connection_string(self) -> str:
        return f"Endpoint={self.url};AccessKey={self.access_key};Version=1.0;"

    def client_url(self, hub: str) -> str:
        """The URL clients connect to, which is also the audience of their tokens."""
        return f"{self.url}/client/?hub={quote(hub.lower(), safe='')}"

    def mint(self, audience: str, claims: Mapping[str, object] | None = None) -> str:
        """A token for `audience`, valid for an hour from now."""
        now = int(time.time())
        times = {"nbf": now, "iat": now, "exp": now + _LIFETIME_SECONDS}
        return jwt.encode({**(claims or {}), **times, "aud": audience}, self.access_key, _ALGORITHM)

    def check(self, token: str, audience: str) -> dict[str, object]:
        """The claims of a token. Raises `TokenRefused`."""
        try:
            return dict(jwt.decode(token, self.access_key, [_ALGORITHM], audience=audience))
        except jwt.InvalidTokenError as error:
            raise TokenRefused(str(error)) from error


def emulated_endpoint(origin: str, state: Path) -> Endpoint:
    """The host's own service at `origin`. Its key is kept beside the state file, so tokens outlive a restart."""
    key_file = state.with_name(f"{state.name}.signalr-key")
    try:
        key = key_file.read_text("ascii").strip()
    except FileNotFoundError:
        key = secrets.token_urlsafe(48)
        key_file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key)
    return Endpoint(origin, key)
