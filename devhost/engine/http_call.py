"""The built-in activity behind `context.call_http`.

A 202 with a Location is polled here, inside the one activity: timers between polls would take ids that the SDK does not
count. After a kill the call starts again from its beginning, as any activity does.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
from yarl import URL

from devhost.ports import FunctionFailed

_DEFAULT_POLL_SECONDS = 30.0


class HttpCaller:
    """Sends durable HTTP requests over one session that is opened when first needed."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def call(self, request_json: str) -> str:
        """Send the request of a CallHttp action; JSON text of `{statusCode, headers, content}`.

        Any status is a result. Raises `FunctionFailed` when there is no answer at all.
        """
        request: dict[str, Any] = json.loads(request_json)
        if request.get("tokenSource"):
            raise FunctionFailed(
                "call_http with a token source needs a managed identity, and the local host has none: "
                "send the token in the headers, or make the call in an activity"
            )
        headers = dict(request.get("headers") or {})
        try:
            answer = await self._send(request["method"], URL(request["uri"]), headers, request.get("content"))
            while answer["statusCode"] == 202 and (location := _header(answer, "Location")):
                await asyncio.sleep(_poll_seconds(answer))
                url = URL(request["uri"]).join(URL(location))
                answer = await self._send("GET", url, headers, None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise FunctionFailed(f"call_http to {request['uri']} failed: {type(error).__name__}: {error}") from error
        return json.dumps(answer)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, method: str, url: URL, headers: dict[str, str], content: str | None) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=100))
        sent = dict(headers)
        if content is not None and not any(name.lower() == "content-type" for name in sent):
            sent["Content-Type"] = "text/plain; charset=utf-8"
        body = None if content is None else content.encode()
        async with self._session.request(method, url, headers=sent, data=body, allow_redirects=False) as response:
            return {
                "statusCode": response.status,
                "headers": {name: ", ".join(response.headers.getall(name)) for name in response.headers},
                "content": await response.text(errors="replace"),
            }


def _header(answer: dict[str, Any], wanted: str) -> str | None:
    for name, value in answer["headers"].items():
        if name.lower() == wanted.lower():
            return str(value)
    return None


def _poll_seconds(answer: dict[str, Any]) -> float:
    """Seconds to wait before the next poll; a Retry-After that is a date is not worth parsing here."""
    try:
        return max(float(_header(answer, "Retry-After") or _DEFAULT_POLL_SECONDS), 0.0)
    except ValueError:
        return _DEFAULT_POLL_SECONDS
