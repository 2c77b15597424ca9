"""Requests to addresses that were looked at: the name is resolved once, and what was checked is what is connected to.

No redirects, no proxies, no cookies, and no URL in any log: whoever calls a host that an author or caller named goes
through here.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

from domain.webhooks import Target
from services.hosts import Address, AllowedHosts
from services.telemetry.here import outgoing

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 5.0
"""For each of the host's addresses."""
_SHOWN = 200

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, best first. Raises `OSError`."""


class NotReached(Exception):
    """Nothing was sent. The message is a sentence; `forbidden`: it was not even tried."""

    def __init__(self, message: str, forbidden: bool = False) -> None:
        super().__init__(message)
        self.forbidden = forbidden


async def look_up(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def addresses_of(target: Target, allowed: AllowedHosts, resolve: Resolve = look_up) -> list[Address]:
    """Those to connect to. One that may not be reached spoils all: no honest name has such a one among others.

    Raises `NotReached`.
    """
    try:
        found = await resolve(target.host.strip("[]"), target.port)
    except OSError as error:
        raise NotReached(f"{target.host} has no address: {line(error)}.") from error
    addresses = [ip_address(address) for address in found]
    for address in addresses:
        if not allowed.may_reach(target, address):
            said = f"It was not called: {target.host} leads to {address}, which is not public"
            raise NotReached(f"{said}, and {allowed.setting} does not list that address.", forbidden=True)
    return addresses


class Reach:
    """Sends requests where the list of hosts allows it. `transport` stands in for the network, in tests."""

    def __init__(
        self, allowed: AllowedHosts, resolve: Resolve | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve or look_up
        self._transport = transport
        self._loading = asyncio.Lock()

    async def send(
        self, request: httpx.Request, target: Target, begin: Callable[[], None] = lambda: None
    ) -> httpx.Response:
        """The response, its content not yet read: close it. `begin` is called before anything can have been sent.

        Raises `NotReached` when nothing was sent, and httpx's `TransportError` when that is not known.
        """
        import httpx  # noqa: PLC0415 - slow to import

        if refusal := self._allowed.refusal(target):
            raise NotReached(f"It was not called: {refusal}.", forbidden=True)
        transport = await self._loaded()
        failure = ""
        addresses = await addresses_of(target, self._allowed, self._resolve)
        begin()
        for address in addresses:
            try:
                return await transport.handle_async_request(_at(address, request, target))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = str(error) or "it did not answer in time"
                continue  # nothing was sent: another address may be better
        raise NotReached(f"It could not be reached: {line(failure)}.")

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()

    async def _loaded(self) -> httpx.AsyncBaseTransport:
        async with self._loading:
            if self._transport is None:
                self._transport = await asyncio.to_thread(_make_transport)
            return self._transport


def line(error: object) -> str:
    """What an exception says, on one line, without the full stop."""
    return " ".join(str(error).split()).rstrip(".")[:_SHOWN] or repr(error)


def _at(address: Address, request: httpx.Request, target: Target) -> httpx.Request:
    import httpx  # noqa: PLC0415 - slow to import

    headers = request.headers.copy()
    headers["Host"] = target.authority
    for name, value in outgoing().items():
        headers.setdefault(name, value)
    # The certificate must be the host's, whatever address it has.
    extensions = {"sni_hostname": target.host.strip("[]"), "timeout": {"connect": CONNECT_SECONDS}}
    url = request.url.copy_with(host=str(address))
    return httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=extensions)


def _make_transport() -> httpx.AsyncHTTPTransport:
    # Importing it and reading certificates take a while: not at start-up, and not on the event loop.
    import httpx  # noqa: PLC0415

    # A connection is known by its address alone, and hosts may share one: none is used for a second call. A bare
    # transport follows no redirects, knows no proxies, and writes no URLs to the log.
    return httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
