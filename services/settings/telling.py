from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AnyHttpUrl, BeforeValidator, Field, SecretStr, field_validator

from services.hosts import AllowedHosts
from services.settings.group import Group
from services.settings.places import differs
from services.webhooks.secrets import secrets_in


class TellSettings(Group):
    """Whom it tells: pages by SignalR, other systems by webhooks."""

    signalr_connection: SecretStr | None = Field(
        default=None,
        alias="AzureSignalRConnectionString",
        description="Azure SignalR Service by key; unset, and no service URI either: nothing is pushed.",
        json_schema_extra=differs(local="the host's own emulator", core_tools="the emulator at port 8888"),
    )
    signalr_service_uri: AnyHttpUrl | None = Field(
        default=None,
        alias="AzureSignalRConnectionString__serviceUri",
        description="Azure SignalR Service by the identity of the process.",
        json_schema_extra=differs(azure="the deployed service"),
    )
    signalr_client_id: str | None = Field(
        default=None,
        alias="AzureSignalRConnectionString__clientId",
        description="Client id of the user-assigned identity to use for it.",
        json_schema_extra=differs(azure="the app's identity"),
    )
    webhook_hosts: Annotated[AllowedHosts, BeforeValidator(AllowedHosts.parse)] | None = Field(
        default=None,
        alias="WEBHOOK_HOSTS",
        description=(
            "The hosts that webhooks may call, apart by commas: `hooks.example.com`, `*.example.com`, each with "
            "`:PORT` if it is not 443. Unset: no webhooks."
        ),
        json_schema_extra=differs(azure="parameter `webhookHosts`"),
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        alias="WEBHOOK_SECRET",
        description="What webhooks are signed with: `whsec_` and base64; while it changes, several, apart by spaces.",
        json_schema_extra=differs(azure="a secret of the Key Vault"),
    )

    @field_validator("webhook_secret")
    @classmethod
    def _can_sign(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            secrets_in(secret.get_secret_value())
        return secret

    def conflicts(self) -> Iterator[str]:
        if self.webhook_hosts is not None and self.webhook_secret is None:
            yield "WEBHOOK_HOSTS is set, so WEBHOOK_SECRET must say what webhooks are signed with"
