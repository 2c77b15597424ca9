"""Sends to a SignalR service that is not the emulated one, over its REST API."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import aiohttp

from devhost.signalr.endpoint import Endpoint
from devhost.signalr.messages import GroupAction, Message

_API_VERSION = "2022-06-01"
_TIMEOUT = aiohttp.ClientTimeout(total=30)


class RemoteService:
    """A service that the app's settings name."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def deliver(self, hub: str, items: Sequence[Message | GroupAction]) -> None:
        """Send each item in order. Raises `aiohttp.ClientError` when the service refuses or cannot be reached."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            for item in items:
                method, path, body = _request(item)
                url = f"{self._endpoint.url}/api/hubs/{quote(hub.lower(), safe='')}{path}"
                headers = {"Authorization": f"Bearer {self._endpoint.mint(url)}"}
                async with session.request(
                    method, url, params={"api-version": _API_VERSION}, json=body, headers=headers
                ) as response:
                    response.raise_for_status()


def _request(item: Message | GroupAction) -> tuple[str, str, dict[str, object] | None]:
    if isinstance(item, Message):
        return "POST", f"{_scope(item)}/:send", {"target": item.target, "arguments": item.arguments}
    member = _member(item)
    if item.action == "removeAll":
        return "DELETE", f"{member}/groups", None
    method = "PUT" if item.action == "add" else "DELETE"
    group = quote(item.group_name or "", safe="")
    if item.connection_id is not None:
        return method, f"/groups/{group}{member}", None
    return method, f"{member}/groups/{group}", None


def _scope(message: Message) -> str:
    if message.connection_id is not None:
        return f"/connections/{quote(message.connection_id, safe='')}"
    if message.user_id is not None:
        return f"/users/{quote(message.user_id, safe='')}"
    return f"/groups/{quote(message.group_name, safe='')}" if message.group_name is not None else ""


def _member(action: GroupAction) -> str:
    if action.connection_id is not None:
        return f"/connections/{quote(action.connection_id, safe='')}"
    return f"/users/{quote(action.user_id or '', safe='')}"
