from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import AnyHttpUrl, Field, Json, SecretStr

from services.settings.group import Group
from services.settings.kinds import Limit, Limited, Names
from services.settings.places import differs

Provider = Literal["openai", "azure-openai", "compatible", "none"]


class ModelSettings(Group):
    """Models and embeddings."""

    openai_base_url: AnyHttpUrl | None = Field(
        default=None,
        alias="OPENAI_BASE_URL",
        description="Address of an OpenAI-compatible endpoint, ending in `/v1`; unset: OpenAI's own.",
        json_schema_extra=differs(local="the local model", core_tools="an endpoint of yours"),
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        alias="OPENAI_API_KEY",
        description="Key of OpenAI or of the compatible endpoint.",
        json_schema_extra=differs(local="`local`", core_tools="its key"),
    )
    azure_openai_endpoint: AnyHttpUrl | None = Field(
        default=None,
        alias="AZURE_OPENAI_ENDPOINT",
        description="Address of an Azure OpenAI resource; goes before the OpenAI variables.",
        json_schema_extra=differs(azure="the deployed account, or parameter `existingOpenAiId`"),
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
        json_schema_extra=differs(
            local="the local model", core_tools="a model of your endpoint", azure="parameter `modelName`"
        ),
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
        json_schema_extra=differs(local="the local model is free"),
    )
    model_context_window: int | None = Field(
        default=None,
        ge=512,
        alias="MODEL_CONTEXT_WINDOW",
        description=(
            "Tokens of a model's window, its answer included; unset: 8192 at a compatible endpoint, else 128000."
        ),
        json_schema_extra=differs(local="that of the local model"),
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
    call_limits: Json[dict[Limited, Limit]] = Field(
        default={},
        alias="CALL_LIMITS",
        description=(
            "Calls at the same time in all processes, as JSON: of a model's alias, of a tool, of each tenant "
            '(`{"model:default": 20, "tool:search": 2, "tenant": 10}`). Others wait their turn, tenants one after the '
            "other."
        ),
    )
    model_tool_calls: Literal["native", "schema"] = Field(
        default="native",
        alias="MODEL_TOOL_CALLS",
        description="How models are offered tools: `native`, or `schema` for those that have no tool calls.",
        json_schema_extra=differs(local="`schema`"),
    )
    embedding_model: str | None = Field(
        default=None,
        alias="EMBEDDING_MODEL",
        description=(
            "The model that makes embeddings, by the endpoint's name for it; on Azure OpenAI the name of a deployment. "
            "`local`, or unset where `wordllama` is installed: a small one in the process."
        ),
        json_schema_extra=differs(azure="parameter `embeddingModel`"),
    )
    embedding_base_url: AnyHttpUrl | None = Field(
        default=None,
        alias="EMBEDDING_BASE_URL",
        description=(
            "Address of another OpenAI-compatible endpoint for embeddings, ending in `/v1`; unset: that of the models."
        ),
    )

    def conflicts(self) -> Iterator[str]:
        if self.provider != "none" and self.model_name is None:
            yield "An endpoint for models is set, so MODEL_NAME must say which model `default` means"

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
