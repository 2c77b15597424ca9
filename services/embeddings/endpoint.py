"""Embeddings of Azure OpenAI, OpenAI, or any endpoint that speaks their protocol, over the stock client.

Slow to import.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import openai
from openai.types import CreateEmbeddingResponse
from pydantic import SecretStr

from domain.errors import Fault
from services.embeddings.base import Embedded, Vector, vector_of
from services.entra import GetToken, NoToken
from services.models.connection import Connection, client_of
from services.models.failures import of_error
from services.models.problems import bad_answer, refused, unreachable
from services.models.stream import well_formed
from services.settings import Settings
from services.telemetry.here import outgoing


class EndpointEmbedder:
    def __init__(self, settings: Settings, model: str, azure_token: GetToken) -> None:
        self.space = model
        self._settings = settings
        connection = _connection(settings)
        self._client, self._secret = client_of(connection, azure_token), connection.secret
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
                    model=self.space, input=texts, encoding_format="float", timeout=seconds, extra_headers=outgoing()
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


def _connection(settings: Settings) -> Connection:
    """That of the models, unless embeddings have an endpoint of their own."""
    own = settings.embedding_base_url
    if own is None and settings.azure_openai_endpoint is not None:
        key, version = settings.azure_openai_api_key, settings.azure_openai_api_version
        return Connection("azure-openai", str(settings.azure_openai_endpoint), version, _secret(key))
    url = own or settings.openai_base_url
    return Connection("compatible", str(url) if url else None, None, _secret(settings.openai_api_key))


def _secret(key: SecretStr | None) -> str:
    return key.get_secret_value() if key else ""
