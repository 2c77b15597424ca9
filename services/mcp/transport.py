"""The HTTP that the MCP package speaks, sent only to addresses that were looked at, and bounded.

Imported when a server is first called: the package has an HTTP client of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

from domain.webhooks import Target
from services.entra import GetToken
from services.hosts import AllowedHosts
from services.reaching import CONNECT_SECONDS, NotReached, Resolve, addresses_of


class CheckedTransport(httpx2.AsyncBaseTransport):
    """For the requests of one server. Connections are kept: they all lead to the same host."""

    def __init__(
        self, target: Target, allowed: AllowedHosts, most_bytes: int, resolve: Resolve, token: GetToken | None
    ) -> None:
        self._target = target
        self._allowed = allowed
        self._most_bytes = most_bytes
        self._resolve = resolve
        self._token = token
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        target = Target.of(str(request.url))
        if (target.host, target.port, target.scheme) != (self._target.host, self._target.port, self._target.scheme):
            raise httpx2.ConnectError(f"{target.authority} is not the server that was declared")
        if refusal := self._allowed.refusal(target):
            raise httpx2.ConnectError(refusal)
        try:
            addresses = await addresses_of(target, self._allowed, self._resolve)
        except NotReached as error:
            raise httpx2.ConnectError(str(error)) from error
        failure: Exception = httpx2.ConnectError(f"{target.host} has no address")
        for address in addresses:
            try:
                return await self._sent(request, str(address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _sent(self, request: httpx2.Request, address: str) -> httpx2.Response:
        headers = request.headers.copy()
        headers["Host"] = self._target.authority
        if self._token is not None:
            headers["Authorization"] = f"Bearer {await self._token()}"
        timeouts = {**request.extensions.get("timeout", {}), "connect": CONNECT_SECONDS}
        extensions = {"sni_hostname": self._target.host.strip("[]"), "timeout": timeouts}
        response = await self._inner.handle_async_request(
            httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=headers,
                stream=request.stream,
                extensions=extensions,
            )
        )
        is_events = response.headers.get("content-type", "").startswith("text/event-stream")
        if not is_events and isinstance(response.stream, httpx2.AsyncByteStream):  # events are bounded one by one
            response.stream = _Bounded(response.stream, self._most_bytes)
        return response


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most
        async for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise httpx2.ReadError(f"the answer is longer than {self._most} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
