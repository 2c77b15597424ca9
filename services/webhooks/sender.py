"""One signed call of a webhook, to an address that was looked at: no redirect, no proxy, none of what is answered."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

from standardwebhooks import Webhook as Signer

from domain.webhooks import Target, Webhook
from services.retry_after import retry_after
from services.settings import Settings
from services.webhooks.hosts import Address, AllowedHosts
from services.webhooks.secrets import secrets_in

if TYPE_CHECKING:
    import httpx

SECONDS = 15.0
"""For the whole call, looking up the name included."""
CONNECT_SECONDS = 5.0
"""For each of the host's addresses."""
_SHOWN = 200

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, best first. Raises `OSError`."""


@dataclass(frozen=True)
class Answer:
    """`error` is None when it was taken; `status` is None when there was no answer."""

    status: int | None = None
    error: str | None = None
    retry_after: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether another attempt would be of no use: it was taken, or nobody wants it any more (410)."""
        return self.error is None or self.status == 410


class _Unreachable(Exception):
    """The message is a sentence."""


class WebhookSender:
    """Calls the hosts that the settings allow, signed with the settings' secret."""

    def __init__(self, settings: Settings, resolve: Resolve | None = None) -> None:
        self._allowed = settings.webhook_hosts or AllowedHosts(())
        secret = settings.webhook_secret
        self._signers = [Signer(text) for text in secrets_in(secret.get_secret_value())] if secret else []
        self._resolve = resolve or _look_up
        self._loading = asyncio.Lock()
        self._transport: httpx.AsyncHTTPTransport | None = None

    def refusal(self, webhook: Webhook) -> str | None:
        """Why this deployment does not call it, or None when it does."""
        if not self._allowed.entries:
            return "webhooks are off in this deployment: its setting WEBHOOK_HOSTS lists no host"
        return self._allowed.refusal(webhook.target)

    async def send(self, webhook: Webhook, id: str, body: str) -> Answer:
        """One attempt. Never raises for what others do: the answer says what came of it."""
        if refusal := self.refusal(webhook):
            return Answer(error=f"It was not called: {refusal}.")
        try:
            async with asyncio.timeout(SECONDS):
                return await self._post(webhook, self._headers(id, body), body.encode())
        except TimeoutError:
            return Answer(error=f"It did not answer within {SECONDS:g} seconds.")
        except _Unreachable as error:
            return Answer(error=str(error))

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()

    def _headers(self, id: str, body: str) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "Content-Type": "application/json",
            "User-Agent": "Meta-Agents",
            "webhook-id": id,
            "webhook-timestamp": str(math.floor(now.timestamp())),
            "webhook-signature": " ".join(signer.sign(id, now, body) for signer in self._signers),
        }

    async def _post(self, webhook: Webhook, headers: dict[str, str], body: bytes) -> Answer:
        import httpx  # noqa: PLC0415 - slow to import

        target = webhook.target
        transport = await self._loaded()
        failure = ""
        for address in await self._addresses(target):
            request = httpx.Request(
                "POST",
                httpx.URL(webhook.url).copy_with(host=str(address)),
                headers={**headers, "Host": target.authority},
                content=body,
                # The certificate must be the host's, whatever address it has.
                extensions={"sni_hostname": target.host.strip("[]"), "timeout": {"connect": CONNECT_SECONDS}},
            )
            try:
                response = await transport.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = str(error) or "it did not answer in time"
                continue  # nothing was sent: another address may be better
            except httpx.TransportError as error:
                raise _Unreachable(f"It broke off without an answer: {_line(error)}.") from error
            await response.aclose()  # what it says beside its status is nobody's business
            return _answer(response)
        raise _Unreachable(f"It could not be reached: {_line(failure)}.")

    async def _addresses(self, target: Target) -> list[Address]:
        """Those to connect to. One that may not be reached spoils all: no honest name has such a one among others."""
        try:
            found = await self._resolve(target.host.strip("[]"), target.port)
        except OSError as error:
            raise _Unreachable(f"{target.host} has no address: {_line(error)}.") from error
        addresses = [ip_address(address) for address in found]
        for address in addresses:
            if not self._allowed.may_reach(target, address):
                said = f"It was not called: {target.host} leads to {address}, which is not public"
                raise _Unreachable(f"{said}, and WEBHOOK_HOSTS does not list that address.")
        return addresses

    async def _loaded(self) -> httpx.AsyncHTTPTransport:
        async with self._loading:
            if self._transport is None:
                self._transport = await asyncio.to_thread(_make_transport)
            return self._transport


def _make_transport() -> httpx.AsyncHTTPTransport:
    # Importing it and reading certificates take a while: not at start-up, and not on the event loop.
    import httpx  # noqa: PLC0415

    # A connection is known by its address alone, and hosts may share one: none is used for a second call. A bare
    # transport follows no redirects, knows no proxies, and writes no URLs to the log.
    return httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))


async def _look_up(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _answer(response: httpx.Response) -> Answer:
    status = response.status_code
    if response.is_success:
        return Answer(status)
    if response.is_redirect:
        return Answer(status, f"It answered {status}, and redirects are not followed.")
    if status == 410:
        return Answer(status, "It answered 410 Gone: it wants no more of this.")
    return Answer(status, f"It answered {status}.", retry_after(response.headers))


def _line(error: object) -> str:
    return " ".join(str(error).split()).rstrip(".")[:_SHOWN] or repr(error)
