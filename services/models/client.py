"""One attempt at one model call, over the stock `openai` client. Retries are durable, so they are made elsewhere."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.errors import Fault
from services.entra import GetToken, NoToken, token_provider
from services.models.base import ModelAnswer, ModelRequest, OnText
from services.settings import Provider, Settings

# `openai` and `jsonschema` take most of a second to import, so whatever needs them is imported at the first call.
if TYPE_CHECKING:
    import openai

    from services.models.stream import Reading

__all__ = ["ModelAnswer", "ModelClient", "ModelRequest"]

AZURE_SCOPE = "https://cognitiveservices.azure.com/.default"
_MILLION = 1_000_000


class ModelClient:
    """Calls the endpoint that the settings name, at most `model_concurrency` at the same time."""

    def __init__(self, settings: Settings, azure_token: GetToken | None = None) -> None:
        self._settings = settings
        self._azure_token = azure_token or token_provider(AZURE_SCOPE)
        self._places = asyncio.Semaphore(settings.model_concurrency)
        self._client: openai.AsyncOpenAI | None = None

    @property
    def name(self) -> str:
        """The model that `default` means, or `none`."""
        return self._settings.model_name or "none"

    @property
    def provider(self) -> Provider:
        return self._settings.provider

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelAnswer:
        """The answer to one request; its pieces go to `on_text` as they come.

        Raises `ProblemError`: model_unreachable, model_rate_limited, model_refused, model_bad_answer, model_cut_off;
        invalid_definition for an output schema that is none. An answer cut off at `max_output_tokens` is accepted,
        with finish_reason `length`, unless a schema was asked for.
        """
        model = self._model(request.alias)
        async with self._places:
            reading = await self._read(request, model, on_text)
        return self._answer(request, model, reading)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _model(self, alias: str) -> str:
        from services.models.failures import refused  # noqa: PLC0415

        if self.provider == "none":
            action = "Set OPENAI_BASE_URL or AZURE_OPENAI_ENDPOINT, and MODEL_NAME; see docs/configuration.md."
            raise refused("No model endpoint is set up.", action, Fault.PLATFORM)
        model = self._settings.model_for(alias)
        if model is None:
            action = f"Use `default`, or have {alias!r} added to MODEL_ALIASES."
            raise refused(f"This deployment knows no model {alias!r}.", action, Fault.AUTHOR)
        return model

    async def _read(self, request: ModelRequest, model: str, on_text: OnText | None) -> Reading:
        import openai  # noqa: PLC0415

        from services.models import failures  # noqa: PLC0415
        from services.models.stream import Reading  # noqa: PLC0415

        seconds = request.timeout or self._settings.model_timeout
        reading = Reading()
        try:
            async with asyncio.timeout(seconds):
                stream = await self._connected().chat.completions.create(**self._arguments(request, model, seconds))
                async with stream:
                    await reading.read(aiter(stream), on_text, self._secret())
        except TimeoutError as error:
            raise failures.unreachable(f"The model did not finish its answer within {seconds:g} seconds.") from error
        except openai.APIError as error:
            raise failures.of_error(error, self._secret()) from error
        except NoToken as error:
            action = "Give the identity of this process access to the model endpoint, or set its key."
            raise failures.refused(f"Entra ID gave no token: {error}", action, Fault.PLATFORM) from error
        return reading

    def _arguments(self, request: ModelRequest, model: str, seconds: float) -> dict[str, Any]:
        from services.models.stream import well_formed  # noqa: PLC0415

        # The newer name is the only one that reasoning models take, and one that some compatible endpoints ignore.
        limit = "max_tokens" if self.provider == "compatible" else "max_completion_tokens"
        arguments: dict[str, Any] = {
            "model": model,
            "messages": [{key: well_formed(text) for key, text in message.items()} for message in request.messages],
            limit: request.max_output_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "extra_headers": {"Idempotency-Key": request.idempotency_key},
            "timeout": seconds,
        }
        if request.temperature is not None:
            arguments["temperature"] = request.temperature
        if request.response_schema is not None:
            from services.models.schemas import response_format  # noqa: PLC0415

            arguments["response_format"] = response_format(request.response_schema)
        return arguments

    def _answer(self, request: ModelRequest, model: str, reading: Reading) -> ModelAnswer:
        usage = reading.usage
        return ModelAnswer(
            text=reading.text,
            value=_value(request, reading),
            model=reading.model or model,
            tokens_in=usage.prompt_tokens if usage else 0,
            tokens_out=usage.completion_tokens if usage else 0,
            finish_reason=reading.finish_reason or "stop",
            cost_usd=self._cost(model, reading),
        )

    def _cost(self, model: str, reading: Reading) -> Decimal | None:
        prices = self._settings.model_prices
        price = prices.get(model) or prices.get(reading.model or "")
        if price is None or reading.usage is None:
            return None
        return (price[0] * reading.usage.prompt_tokens + price[1] * reading.usage.completion_tokens) / _MILLION

    def _secret(self) -> str:
        azure = self.provider == "azure-openai"
        key = self._settings.azure_openai_api_key if azure else self._settings.openai_api_key
        return key.get_secret_value() if key else ""

    def _connected(self) -> openai.AsyncOpenAI:
        if self._client is None:
            self._client = self._azure_client() if self.provider == "azure-openai" else self._openai_client()
        return self._client

    def _openai_client(self) -> openai.AsyncOpenAI:
        import openai  # noqa: PLC0415

        base_url = str(self._settings.openai_base_url) if self._settings.openai_base_url else None
        # An endpoint without keys takes any; the client insists on one.
        return openai.AsyncOpenAI(api_key=self._secret() or "none", base_url=base_url, max_retries=0)

    def _azure_client(self) -> openai.AsyncOpenAI:
        import openai  # noqa: PLC0415

        key, endpoint = self._secret(), str(self._settings.azure_openai_endpoint).rstrip("/")
        version = self._settings.azure_openai_api_version
        if version is None:
            url = f"{endpoint}/openai/v1/"
            return openai.AsyncOpenAI(api_key=key or self._azure_token, base_url=url, max_retries=0)
        return openai.AsyncAzureOpenAI(
            azure_endpoint=endpoint,
            api_version=version,
            api_key=key or None,
            azure_ad_token_provider=None if key else self._azure_token,
            max_retries=0,
        )


def _value(request: ModelRequest, reading: Reading) -> Any:
    if request.response_schema is None:
        return reading.text
    from services.models.failures import cut_off  # noqa: PLC0415
    from services.models.schemas import parse  # noqa: PLC0415

    if reading.finish_reason == "length":
        raise cut_off(request.max_output_tokens)
    return parse(reading.text, request.response_schema)
