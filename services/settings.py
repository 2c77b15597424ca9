"""What the environment decides. The one place that reads it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from domain.base import NAME_PATTERN
from services.hosts import AllowedHosts
from services.secret_values import check_secret, secrets_of
from services.webhooks.secrets import secrets_in

Provider = Literal["openai", "azure-openai", "compatible", "none"]


Names = Annotated[tuple[str, ...], BeforeValidator(lambda text: tuple(filter(None, re.split(r"[\s,]+", text))))]
"""Several names in one variable."""


def _labels(names: tuple[str, ...]) -> tuple[str, ...]:
    """What cannot be a label protects none: nothing is served rather than that it goes unnoticed."""
    odd = next((name for name in names if name != "-" and not re.fullmatch(NAME_PATTERN, name)), None)
    if odd is not None:
        raise ValueError(f"{odd!r} cannot be a label: lower-case letters, digits and hyphens")
    return names


LIMITED = r"^(model:[a-z0-9-]{1,63}|tool:[a-z0-9-]{1,63}|tenant(:[^:]{1,100})?)$"
"""What a limit on calls may be of."""


class SettingsError(Exception):
    """The environment cannot be used; the message names the variable and what to write."""


class Settings(BaseModel):
    """Each field is one environment variable; empty means unset. docs/configuration.md is checked against this."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore", hide_input_in_errors=True)

    state_dir: Path = Field(
        default=Path(".local"),
        alias="META_AGENTS_STATE_DIR",
        description="Folder of the documents, the artifacts and the token file.",
    )
    token: SecretStr | None = Field(
        default=None,
        alias="META_AGENTS_TOKEN",
        description="The token callers must send; unset: what the file `token` in the state directory holds.",
    )
    openai_base_url: AnyHttpUrl | None = Field(
        default=None,
        alias="OPENAI_BASE_URL",
        description="Address of an OpenAI-compatible endpoint, ending in `/v1`; unset: OpenAI's own.",
    )
    openai_api_key: SecretStr | None = Field(
        default=None, alias="OPENAI_API_KEY", description="Key of OpenAI or of the compatible endpoint."
    )
    azure_openai_endpoint: AnyHttpUrl | None = Field(
        default=None,
        alias="AZURE_OPENAI_ENDPOINT",
        description="Address of an Azure OpenAI resource; goes before the OpenAI variables.",
    )
    azure_openai_api_key: SecretStr | None = Field(
        default=None,
        alias="AZURE_OPENAI_API_KEY",
        description="Its key; unset: the identity of the process (Microsoft Entra ID).",
    )
    azure_openai_api_version: str | None = Field(
        default=None,
        alias="AZURE_OPENAI_API_VERSION",
        description="A dated version of the Azure OpenAI API, such as `2025-03-01-preview`; unset: its `v1` API.",
    )
    model_name: str | None = Field(
        default=None,
        alias="MODEL_NAME",
        description="The model that `default` means; on Azure OpenAI the name of a deployment.",
    )
    model_aliases: Json[dict[str, str]] = Field(
        default={},
        alias="MODEL_ALIASES",
        description='More models for agents to name, as JSON: `{"small": "gpt-4.1-mini"}`.',
    )
    model_prices: Json[dict[str, tuple[Decimal, Decimal]]] = Field(
        default={},
        alias="MODEL_PRICES",
        description=(
            'US dollars per million tokens, in and out, as JSON: `{"gpt-4.1-mini": ["0.40", "1.60"]}`. '
            "Before the list of known prices."
        ),
    )
    model_context_window: int | None = Field(
        default=None,
        ge=512,
        alias="MODEL_CONTEXT_WINDOW",
        description=(
            "Tokens of a model's window, its answer included; unset: 8192 at a compatible endpoint, else 128000."
        ),
    )
    models_file: Path | None = Field(
        default=None,
        alias="MODELS_FILE",
        description="A file of models, such as `models.yaml` in the app's folder; see [models](models.md).",
    )
    model_key_values: dict[str, SecretStr] = Field(
        default={},
        alias="MODEL_KEY_*",
        description="Keys of models, named by `api_key: {env: MODEL_KEY_…}` in MODELS_FILE or over the API.",
    )
    model_hosts: Names = Field(
        default=(),
        alias="MODEL_HOSTS",
        description=(
            "Hosts (`host` or `host:port`) that models made over the API may use, beside those that the deployment's "
            "own models use."
        ),
    )
    model_timeout: float = Field(
        default=120, gt=0, alias="MODEL_TIMEOUT", description="Seconds until a model call is given up."
    )
    model_concurrency: int = Field(
        default=8, ge=1, alias="MODEL_CONCURRENCY", description="Model calls of one process at the same time."
    )
    model_tool_calls: Literal["native", "schema"] = Field(
        default="native",
        alias="MODEL_TOOL_CALLS",
        description="How models are offered tools: `native`, or `schema` for those that have no tool calls.",
    )
    embedding_model: str | None = Field(
        default=None,
        alias="EMBEDDING_MODEL",
        description=(
            "The model that makes embeddings, by the endpoint's name for it; on Azure OpenAI the name of a deployment. "
            "`local`, or unset where `wordllama` is installed: a small one in the process."
        ),
    )
    embedding_base_url: AnyHttpUrl | None = Field(
        default=None,
        alias="EMBEDDING_BASE_URL",
        description=(
            "Address of another OpenAI-compatible endpoint for embeddings, ending in `/v1`; unset: that of the models."
        ),
    )
    call_limits: Json[dict[Annotated[str, Field(pattern=LIMITED)], Annotated[int, Field(ge=1, le=10_000)]]] = Field(
        default={},
        alias="CALL_LIMITS",
        description=(
            "Calls at the same time in all processes, as JSON: of a model's alias, of a tool, of each tenant "
            '(`{"model:default": 20, "tool:search": 2, "tenant": 10}`). Others wait their turn, tenants one after the '
            "other."
        ),
    )
    tool_hosts: Annotated[AllowedHosts, BeforeValidator(AllowedHosts.for_tools)] | None = Field(
        default=None,
        alias="TOOL_HOSTS",
        description=(
            "The hosts that `http` tools may call, apart by commas: `api.example.com`, `*.example.com`, each with "
            "`:PORT` if it is not the scheme's own, and private networks that their names may lead to (`10.1.0.0/16`). "
            "Unset: none."
        ),
    )
    tool_modules: Names = Field(
        default=(),
        alias="TOOL_MODULES",
        description="Python modules that register tool functions, with commas between.",
    )
    mcp_servers_file: Path | None = Field(
        default=None,
        alias="MCP_SERVERS_FILE",
        description="A YAML file with the MCP servers that `mcp` tools may name; unset: none.",
    )
    secrets: dict[str, SecretStr] = Field(
        default={},
        alias="SECRET_*",
        description=(
            "The secret that definitions name by what stands for `*`: `SECRET_CRM_KEY` holds the value of "
            "`{secret: CRM_KEY}`."
        ),
    )
    secret_hosts: Json[dict[str, tuple[str, ...]]] = Field(
        default={},
        alias="SECRET_HOSTS",
        description=(
            'The hosts that each secret may be sent to, as JSON: `{"CRM_KEY": ["crm.example.com"]}`. A secret that is '
            "not named is sent nowhere."
        ),
    )
    secret_tenants: Json[dict[str, tuple[str, ...]]] = Field(
        default={},
        alias="SECRET_TENANTS",
        description=(
            'The only tenants that may use a secret, as JSON: `{"CRM_KEY": ["acme"]}`. A secret that is not named is '
            "every tenant's."
        ),
    )
    protected_labels: Annotated[Names, AfterValidator(_labels)] = Field(
        default=("production",),
        alias="PROTECTED_LABELS",
        description="Labels of prompts that only an admin moves, with commas between; `-`: none.",
    )
    sweep_cron: str = Field(
        default="0 * * * * *",
        alias="SWEEP_CRON",
        description=(
            "How often schedules are looked at, as NCRONTAB (second first). "
            "Less often than every 5 minutes, scheduled times count as missed."
        ),
    )
    start_queue: str | None = Field(
        default=None,
        alias="START_QUEUE",
        description="A storage queue whose messages start executions; unset: none.",
    )
    start_queue_connection: str = Field(
        default="AzureWebJobsStorage",
        alias="START_QUEUE_CONNECTION",
        description="Name of the setting, or group of settings, that says where that queue's storage account is.",
    )
    start_service_bus_queue: str | None = Field(
        default=None,
        alias="START_SERVICE_BUS_QUEUE",
        description="A Service Bus queue whose messages start executions; unset: none.",
    )
    signalr_connection: SecretStr | None = Field(
        default=None,
        alias="AzureSignalRConnectionString",
        description="Azure SignalR Service by key; unset, and no service URI either: nothing is pushed.",
    )
    signalr_service_uri: AnyHttpUrl | None = Field(
        default=None,
        alias="AzureSignalRConnectionString__serviceUri",
        description="Azure SignalR Service by the identity of the process.",
    )
    signalr_client_id: str | None = Field(
        default=None,
        alias="AzureSignalRConnectionString__clientId",
        description="Client id of the user-assigned identity to use for it.",
    )
    webhook_hosts: Annotated[AllowedHosts, BeforeValidator(AllowedHosts.parse)] | None = Field(
        default=None,
        alias="WEBHOOK_HOSTS",
        description=(
            "The hosts that webhooks may call, apart by commas: `hooks.example.com`, `*.example.com`, each with "
            "`:PORT` if it is not 443. Unset: no webhooks."
        ),
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        alias="WEBHOOK_SECRET",
        description="What webhooks are signed with: `whsec_` and base64; while it changes, several, apart by spaces.",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises `SettingsError` with one line per variable that cannot be used."""
        try:
            given = {name: value for name, value in environment.items() if value.strip()}
            keys = {name: value for name, value in given.items() if name.startswith("MODEL_KEY_")}
            return cls.model_validate({**given, "SECRET_*": secrets_of(given), "MODEL_KEY_*": keys})
        except ValidationError as error:
            lines = [": ".join([*map(str, fault["loc"]), fault["msg"]]) for fault in error.errors()]
            raise SettingsError("\n".join([*lines, "docs/configuration.md explains each variable."])) from error

    @field_validator("webhook_secret")
    @classmethod
    def _can_sign(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            secrets_in(secret.get_secret_value())
        return secret

    @field_validator("secrets")
    @classmethod
    def _can_be_sent(cls, secrets: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in secrets.items():
            check_secret(name, value.get_secret_value())
        return secrets

    @field_validator("secret_hosts")
    @classmethod
    def _are_hosts(cls, hosts: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for names in hosts.values():
            AllowedHosts.parse(",".join(names))
        return hosts

    @model_validator(mode="after")
    def _are_secrets(self) -> Self:
        for setting, named in (("SECRET_HOSTS", self.secret_hosts), ("SECRET_TENANTS", self.secret_tenants)):
            if missing := sorted(set(named) - set(self.secrets)):
                raise ValueError(f"{setting} names `{missing[0]}`, so SECRET_{missing[0]} must hold its value")
        return self

    @model_validator(mode="after")
    def _sign_webhooks(self) -> Self:
        if self.webhook_hosts is not None and self.webhook_secret is None:
            raise ValueError("WEBHOOK_HOSTS is set, so WEBHOOK_SECRET must say what webhooks are signed with")
        return self

    @model_validator(mode="after")
    def _name_the_model(self) -> Self:
        if self.provider != "none" and self.model_name is None:
            raise ValueError("an endpoint for models is set, so MODEL_NAME must say which model `default` means")
        return self

    @property
    def provider(self) -> Provider:
        """`none`: no model is set up, and every model call is refused with a text that says how to."""
        if self.azure_openai_endpoint:
            return "azure-openai"
        if self.openai_base_url:
            return "compatible"
        return "openai" if self.openai_api_key and self.model_name else "none"

    @property
    def model_keys(self) -> dict[str, SecretStr]:
        """Keys that models may name, by their settings."""
        named = {"OPENAI_API_KEY": self.openai_api_key, "AZURE_OPENAI_API_KEY": self.azure_openai_api_key}
        return {**{name: key for name, key in named.items() if key is not None}, **self.model_key_values}

    def cost(self, model: str, tokens_in: int, tokens_out: int) -> Decimal | None:
        """US dollars by MODEL_PRICES, by the endpoint's name for the model; None when it is not in there."""
        price = self.model_prices.get(model)
        return None if price is None else (price[0] * tokens_in + price[1] * tokens_out) / 1_000_000
