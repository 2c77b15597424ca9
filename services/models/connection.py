"""The stock client of an endpoint: Azure OpenAI, OpenAI, or any that speaks their protocol. Slow to import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import openai

from services.entra import GetToken


@dataclass(frozen=True)
class Connection:
    """What models and embeddings can have in common: where they are, and as whom they are asked."""

    provider: Literal["openai", "azure-openai", "compatible"]
    base_url: str | None
    api_version: str | None
    secret: str = field(repr=False)


def client_of(connection: Connection, azure_token: GetToken) -> openai.AsyncOpenAI:
    """One attempt for each call: retries are durable, and so made elsewhere."""
    secret, url, version = connection.secret, connection.base_url, connection.api_version
    if connection.provider != "azure-openai":
        # An endpoint without keys takes any; the client insists on one.
        return openai.AsyncOpenAI(api_key=secret or "none", base_url=url, max_retries=0)
    endpoint = (url or "").rstrip("/")
    if version is None:
        return openai.AsyncOpenAI(api_key=secret or azure_token, base_url=f"{endpoint}/openai/v1/", max_retries=0)
    return openai.AsyncAzureOpenAI(
        azure_endpoint=endpoint,
        api_version=version,
        api_key=secret or None,
        azure_ad_token_provider=None if secret else azure_token,
        max_retries=0,
    )
