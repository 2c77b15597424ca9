"""Calling models: which one an alias means, how many calls at once. The calls themselves are next door, in `calls`."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

from domain.errors import Fault
from services.entra import GetToken, token_provider
from services.models.base import AnswerRejected, ModelAnswer, ModelRequest, OnText
from services.models.problems import refused
from services.settings import Provider, Settings

if TYPE_CHECKING:
    from services.models.calls import Calls

__all__ = ["AnswerRejected", "ModelAnswer", "ModelClient", "ModelRequest"]

AZURE_SCOPE = "https://cognitiveservices.azure.com/.default"


class ModelClient:
    """Calls the endpoint that the settings name, at most `model_concurrency` at the same time."""

    def __init__(self, settings: Settings, azure_token: GetToken | None = None) -> None:
        self._settings = settings
        self._azure_token = azure_token or token_provider(AZURE_SCOPE)
        self._places = asyncio.Semaphore(settings.model_concurrency)
        self._loading = asyncio.Lock()
        self._calls: Calls | None = None

    @property
    def name(self) -> str:
        """The model that `default` means, or `none`."""
        return self._settings.model_name or "none"

    @property
    def provider(self) -> Provider:
        return self._settings.provider

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelAnswer:
        """The answer to one request; its pieces go to `on_text` as they come.

        One attempt: retries are durable, and so made by the orchestrator. Raises `ProblemError`: model_unreachable,
        model_rate_limited, model_refused, model_bad_answer, model_cut_off; invalid_definition for an output schema that
        is none. An answer cut off at `max_output_tokens` is accepted, with finish_reason `length`, unless a schema was
        asked for.
        """
        model = self._model(request.alias)
        async with self._places:
            calls = await self._loaded()
            return await calls.make(request, model, on_text)

    def cost(self, alias: str, tokens_in: int, tokens_out: int) -> Decimal | None:
        """US dollars that so many tokens of the model behind the alias cost; None when that is not known."""
        model = self._settings.model_for(alias)
        return None if model is None else self._settings.cost(model, tokens_in, tokens_out)

    async def close(self) -> None:
        if self._calls is not None:
            await self._calls.close()

    def _model(self, alias: str) -> str:
        if self.provider == "none":
            action = "Set OPENAI_BASE_URL or AZURE_OPENAI_ENDPOINT, and MODEL_NAME; see docs/configuration.md."
            raise refused("No model endpoint is set up.", action, Fault.PLATFORM)
        model = self._settings.model_for(alias)
        if model is None:
            action = f"Use `default`, or have {alias!r} added to MODEL_ALIASES."
            raise refused(f"This deployment knows no model {alias!r}.", action, Fault.AUTHOR)
        return model

    async def _loaded(self) -> Calls:
        async with self._loading:
            if self._calls is None:
                self._calls = await asyncio.to_thread(_load, self._settings, self._azure_token)
            return self._calls


def _load(settings: Settings, azure_token: GetToken) -> Calls:
    # Importing the client and reading certificates take a second: not at start-up, and not on the event loop.
    from services.models.calls import Calls  # noqa: PLC0415

    return Calls(settings, azure_token)
