"""What both clients tell httpx in the same words."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import httpx

from meta_agents.errors import InvalidArgument
from meta_agents.operations import Operation
from meta_agents.settings import Connection

CONNECT_SECONDS = 5.0


def client_version() -> str:
    """The installed version; `0+source` when imported from a source folder that was never installed."""
    try:
        return version("meta-agents")
    except PackageNotFoundError:
        return "0+source"


def headers(target: Connection) -> dict[str, str]:
    agent = {"User-Agent": f"meta-agents/{client_version()}"}
    return agent if target.token is None else agent | {"Authorization": f"Bearer {target.token}"}


def no_proxy_here() -> dict[str, None]:
    """Mounts that keep this machine's own addresses away from a proxy that the environment names."""
    return {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}


def has_certificate(target: Connection) -> bool:
    """Whether there is one to verify; where not, loading what verifies it would take longer than most answers."""
    return not target.url.startswith("http://")


def request(http: httpx.Client | httpx.AsyncClient, operation: Operation[object]) -> httpx.Request:
    """Raises `InvalidArgument` for what JSON or a header cannot say."""
    try:
        return http.build_request(
            operation.method,
            operation.path,
            params=dict(operation.params),
            headers=dict(operation.headers),
            json=operation.body,
            content=operation.content,
            timeout=httpx.Timeout(operation.seconds, connect=CONNECT_SECONDS),
        )
    except (ValueError, TypeError, RecursionError) as error:
        action = "Give text, finite numbers, lists and objects; keys are visible ASCII."
        raise InvalidArgument(f"This cannot be sent: {error}.", action) from error
