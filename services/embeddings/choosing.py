"""Which maker the settings choose. It is made when first used."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec

from domain.errors import Fault
from services.embeddings.base import Embedded, Embedder
from services.entra import GetToken, token_provider
from services.models.client import AZURE_SCOPE
from services.models.problems import refused
from services.settings import Settings
from services.telemetry import names
from services.telemetry.base import Telemetry

LOCAL = "local"


class Embeddings:
    """The `Embedder` of this process: EMBEDDING_MODEL at the models' endpoint, or `local`.

    Unset, it is `local` where that is installed; elsewhere every call raises `ProblemError` model_refused.
    """

    def __init__(
        self, settings: Settings, azure_token: GetToken | None = None, telemetry: Telemetry | None = None
    ) -> None:
        self._settings = settings
        self._telemetry = telemetry or Telemetry()
        self._azure_token = azure_token or token_provider(AZURE_SCOPE)
        self._loading = asyncio.Lock()
        self._maker: Embedder | None = None

    async def space(self) -> str:
        return (await self._made()).space

    async def embed(self, texts: Sequence[str]) -> Embedded:
        maker = await self._made()
        attributes = {names.OPERATION: names.EMBEDDINGS, names.REQUEST_MODEL: maker.space, names.PROVIDER: "openai"}
        if self._settings.embedding_model in (None, LOCAL):
            attributes[names.PROVIDER] = "wordllama"
        with self._telemetry.span(f"{names.EMBEDDINGS} {maker.space}", "client", attributes) as told:
            embedded = await maker.embed(texts)
            told[names.INPUT_TOKENS] = embedded.tokens
        return embedded

    async def close(self) -> None:
        if self._maker is not None:
            await self._maker.close()

    async def _made(self) -> Embedder:
        async with self._loading:
            if self._maker is None:
                self._maker = await asyncio.to_thread(self._load)
            return self._maker

    def _load(self) -> Embedder:
        model = self._settings.embedding_model
        is_local = model == LOCAL or model is None
        if is_local and find_spec("wordllama") is None:
            action = "Set EMBEDDING_MODEL to a model of your endpoint, or install wordllama; see docs/library.md."
            raise refused("No model for embeddings is set up.", action, Fault.PLATFORM)
        if is_local:
            from services.embeddings.local import LocalEmbedder  # noqa: PLC0415 - slow to import

            return LocalEmbedder()
        from services.embeddings.endpoint import EndpointEmbedder  # noqa: PLC0415 - slow to import

        return EndpointEmbedder(self._settings, model or "", self._azure_token)
