"""One attempt at one model call, over the stock `openai` client. Slow to import."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import openai

from domain.errors import Fault, ProblemError
from services.entra import GetToken, NoToken
from services.models.asked import calls_before
from services.models.base import AnswerRejected, ModelAnswer, ModelRequest, OnText
from services.models.by_schema import BySchema
from services.models.failures import of_error
from services.models.native import Native
from services.models.problems import refused, unreachable
from services.models.stream import Reading, tell, well_formed
from services.settings import Settings


class Calls:
    """Calls over one client, which keeps connections."""

    def __init__(self, settings: Settings, azure_token: GetToken) -> None:
        azure = settings.azure_openai_endpoint is not None
        key = settings.azure_openai_api_key if azure else settings.openai_api_key
        self._secret = key.get_secret_value() if key else ""
        self._settings = settings
        self._client = self._azure_client(azure_token) if azure else self._openai_client()

    async def make(self, request: ModelRequest, model: str, on_text: OnText | None) -> ModelAnswer:
        """See `ModelClient.complete`; `model` is the name that the endpoint knows."""
        way = BySchema(request) if self._by_schema(request) else Native(request)
        arguments = {**self._arguments(request, model), **_well_formed(way.asks())}
        reading = await self._read(request, arguments, None if way.whole else on_text)
        usage, reason = reading.usage, reading.finish_reason or "stop"
        answer = ModelAnswer(
            text=reading.text,
            model=reading.model or model,
            tokens_in=usage.prompt_tokens if usage else 0,
            tokens_out=usage.completion_tokens if usage else 0,
            finish_reason=reason,
            cost_usd=self._cost(model, reading),
        )
        asked = reading.asked.whole(calls_before(request.messages), cut_off=reason == "length")
        try:
            text, value, tool_calls = way.heard(reading.text, reason, asked)
        except ProblemError as error:
            raise AnswerRejected(error.problem, answer) from error
        if way.whole:
            await tell(on_text, text)
        return answer.model_copy(update={"text": text, "value": value, "tool_calls": tool_calls})

    async def close(self) -> None:
        await self._client.close()

    def _by_schema(self, request: ModelRequest) -> bool:
        return self._settings.model_tool_calls == "schema" and bool(request.tools)

    async def _read(self, request: ModelRequest, arguments: dict[str, Any], on_text: OnText | None) -> Reading:
        seconds = request.timeout or self._settings.model_timeout
        reading = Reading()
        try:
            async with asyncio.timeout(seconds) as limit:
                stream = await self._client.chat.completions.create(**arguments, timeout=seconds)
                async with stream:
                    await reading.read(aiter(stream), on_text, self._secret)
        except TimeoutError as error:
            if not limit.expired():
                raise  # not ours: `on_text` raised it
            raise unreachable(f"The model did not finish its answer within {seconds:g} seconds.") from error
        except openai.APIError as error:
            raise of_error(error, self._secret) from error
        except NoToken as error:
            action = "Give the identity of this process access to the model endpoint, or set its key."
            raise refused(f"Entra ID gave no token: {error}", action, Fault.PLATFORM) from error
        return reading

    def _arguments(self, request: ModelRequest, model: str) -> dict[str, Any]:
        # The newer name is the only one that reasoning models take, and one that some compatible endpoints ignore.
        limit = "max_tokens" if self._settings.provider == "compatible" else "max_completion_tokens"
        arguments: dict[str, Any] = {
            "model": model,
            limit: request.max_output_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "extra_headers": {"Idempotency-Key": request.idempotency_key},
        }
        if request.temperature is not None:
            arguments["temperature"] = request.temperature
        return arguments

    def _cost(self, model: str, reading: Reading) -> Decimal | None:
        if reading.usage is None:
            return None
        used = reading.usage.prompt_tokens, reading.usage.completion_tokens
        cost = self._settings.cost(model, *used)
        return self._settings.cost(reading.model or "", *used) if cost is None else cost

    def _openai_client(self) -> openai.AsyncOpenAI:
        base_url = str(self._settings.openai_base_url) if self._settings.openai_base_url else None
        # An endpoint without keys takes any; the client insists on one.
        return openai.AsyncOpenAI(api_key=self._secret or "none", base_url=base_url, max_retries=0)

    def _azure_client(self, token: GetToken) -> openai.AsyncOpenAI:
        endpoint, version = (
            str(self._settings.azure_openai_endpoint).rstrip("/"),
            self._settings.azure_openai_api_version,
        )
        if version is None:
            url = f"{endpoint}/openai/v1/"
            return openai.AsyncOpenAI(api_key=self._secret or token, base_url=url, max_retries=0)
        return openai.AsyncAzureOpenAI(
            azure_endpoint=endpoint,
            api_version=version,
            api_key=self._secret or None,
            azure_ad_token_provider=None if self._secret else token,
            max_retries=0,
        )


def _well_formed(value: Any) -> Any:
    """JSON whose texts can all be sent."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(part) for key, part in value.items()}
    return [_well_formed(part) for part in value] if isinstance(value, list | tuple) else value
