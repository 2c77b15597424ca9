"""Where an Azure SignalR Service is, and how requests to it are authorised."""

from __future__ import annotations

import time
from dataclasses import dataclass

from services.entra import GetToken, token_provider
from services.settings import Settings, SettingsError

SCOPE = "https://signalr.azure.com/.default"
_TOKEN_SECONDS = 600


@dataclass(frozen=True)
class Endpoint:
    """A SignalR service; with an access key, or else used with Entra ID tokens."""

    url: str
    key: str = ""
    get_token: GetToken | None = None

    @classmethod
    def of(cls, settings: Settings) -> Endpoint | None:
        """The service that the settings name, if any. Raises `SettingsError`."""
        if settings.signalr_service_uri:
            url = str(settings.signalr_service_uri).rstrip("/")
            return cls(url, get_token=token_provider(SCOPE, settings.signalr_client_id))
        if settings.signalr_connection:
            return cls._parse(settings.signalr_connection.get_secret_value())
        return None

    @classmethod
    def _parse(cls, connection: str) -> Endpoint:
        pairs = (part.partition("=") for part in connection.split(";") if part.strip())
        parts = {name.strip().lower(): value.strip() for name, _, value in pairs}
        url, key = parts.get("endpoint", "").rstrip("/"), parts.get("accesskey")
        if not url.startswith(("http://", "https://")):
            raise SettingsError("AzureSignalRConnectionString: it has no `Endpoint=https://…;`.")
        url += f":{parts['port']}" if "port" in parts else ""
        if key:
            return cls(url, key=key)
        if parts.get("authtype", "").lower().startswith("azure"):
            return cls(url, get_token=token_provider(SCOPE, parts.get("clientid")))
        raise SettingsError("AzureSignalRConnectionString: it has neither `AccessKey=…;` nor `AuthType=azure;`.")

    async def authorization(self, audience: str) -> str:
        """The Authorization header of a request to the URL `audience`. Raises `NoToken`."""
        if self.get_token:
            return f"Bearer {await self.get_token()}"
        import jwt  # noqa: PLC0415 - only a deployment that pushes pays for it

        now = int(time.time())
        claims = {"aud": audience, "iat": now, "exp": now + _TOKEN_SECONDS}
        return f"Bearer {jwt.encode(claims, self.key, 'HS256')}"
