"""Embeddings of Azure OpenAI, OpenAI, or any endpoint that speaks their protocol, over the stock client.

Slow to import.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import openai
from openai.types import CreateEmbeddingResponse

from domain.errors import Fault
from services.embeddings.base import Embedded, Vector, vector_of
from services.entra import GetToken, NoToken
from services.models.failures import of_error
from services.models.problems import bad_answer, refused, unreachable
from services.models.stream import well_formed
from services.settings import Settings


class EndpointEmbedder:
    def __init__(self, settings: Settings, model: str, azure_token: GetToken) -> None:
        self.space = model
        self._settings = settings
        self._client, self._secret = _client(settings, azure_token)
        self._places = asyncio.Semaphore(settings.model_concurrency)

    async def embed(self, texts: Sequence[str]) -> Embedded:
        sent = [well_formed(text) for text in texts]
        async with self._places:
            answer = await self._asked(sent)
        tokens = answer.usage.prompt_tokens if answer.usage else 0
        cost = self._settings.cost(self.space, tokens, 0)
        return Embedded(_vectors(answer, len(sent)), tokens, cost)

    async def close(self) -> None:
        await self._client.close()

    async def _asked(self, texts: list[str]) -> CreateEmbeddingResponse:
        seconds = self._settings.model_timeout
        try:
            async with asyncio.timeout(seconds):
                # As text: what the client asks for by itself, base64, is not known to every endpoint.
                return await self._client.embeddings.create(
                    model=self.space, input=texts, encoding_format="float", timeout=seconds
                )
        except TimeoutError as error:
            raise unreachable(f"The embeddings did not come within {seconds:g} seconds.") from error
        except openai.APIError as error:
            raise of_error(error, self._secret) from error
        except ValueError as error:  # the client lets through what it finds where JSON should be
            raise bad_answer("it is not JSON.") from error
        except NoToken as error:
            action = "Give the identity of this process access to the model endpoint, or set its key."
            raise refused(f"Entra ID gave no token: {error}", action, Fault.PLATFORM) from error


def _vectors(answer: CreateEmbeddingResponse, texts: int) -> list[Vector]:
    if not answer.data or sorted(one.index for one in answer.data) != list(range(texts)):
        raise bad_answer("it does not hold one embedding for each text.")
    try:
        vectors = [vector_of(one.embedding) for one in sorted(answer.data, key=lambda one: one.index)]
    except (TypeError, ValueError, OverflowError) as error:
        raise bad_answer(f"an embedding is none: {error}.") from error
    if len(set(map(len, vectors))) != 1:
        raise bad_answer("its embeddings are not all of one size.")
    return vectors


def _client(settings: Settings, token: GetToken) -> tuple[openai.AsyncOpenAI, str]:
    """The client, and the key it sends."""
    base_url = settings.embedding_base_url or settings.openai_base_url
    azure = settings.azure_openai_endpoint if settings.embedding_base_url is None else None
    key = settings.azure_openai_api_key if azure else settings.openai_api_key
    secret = key.get_secret_value() if key else ""
    if azure is None:
        url = str(base_url) if base_url else None
        # An endpoint without keys takes any; the client insists on one.
        return openai.AsyncOpenAI(api_key=secret or "none", base_url=url, max_retries=0), secret
    endpoint, version = str(azure).rstrip("/"), settings.azure_openai_api_version
    if version is None:
        url = f"{endpoint}/openai/v1/"
        return openai.AsyncOpenAI(api_key=secret or token, base_url=url, max_retries=0), secret
    client = openai.AsyncAzureOpenAI(
        azure_endpoint=endpoint,
        api_version=version,
        api_key=secret or None,
        azure_ad_token_provider=None if secret else token,
        max_retries=0,
    )
    return client, secret
