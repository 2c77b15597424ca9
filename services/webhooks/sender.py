"""One signed call of a webhook, to an address that was looked at: no redirect, no proxy, none of what is answered."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from standardwebhooks import Webhook as Signer

from domain.webhooks import Webhook
from services.hosts import AllowedHosts
from services.reaching import NotReached, Reach, Resolve, line
from services.retry_after import retry_after
from services.settings import Settings
from services.webhooks.secrets import secrets_in

if TYPE_CHECKING:
    import httpx

SECONDS = 15.0
"""For the whole call, looking up the name included."""


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


class WebhookSender:
    """Calls the hosts that the settings allow, signed with the settings' secret."""

    def __init__(self, settings: Settings, resolve: Resolve | None = None) -> None:
        self._allowed = settings.webhook_hosts or AllowedHosts(())
        secret = settings.webhook_secret
        self._signers = [Signer(text) for text in secrets_in(secret.get_secret_value())] if secret else []
        self._reach = Reach(self._allowed, resolve)

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
        except NotReached as error:
            return Answer(error=str(error))

    async def close(self) -> None:
        await self._reach.close()

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

        request = httpx.Request("POST", webhook.url, headers=headers, content=body)
        try:
            response = await self._reach.send(request, webhook.target)
        except httpx.TransportError as error:
            return Answer(error=f"It broke off without an answer: {line(error)}.")
        await response.aclose()  # what it says beside its status is nobody's business
        return _answer(response)


def _answer(response: httpx.Response) -> Answer:
    status = response.status_code
    if response.is_success:
        return Answer(status)
    if response.is_redirect:
        return Answer(status, f"It answered {status}, and redirects are not followed.")
    if status == 410:
        return Answer(status, "It answered 410 Gone: it wants no more of this.")
    return Answer(status, f"It answered {status}.", retry_after(response.headers))
