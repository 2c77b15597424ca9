"""One attempt at one model call, over the stock `openai` client. Slow to import."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import openai

from domain.errors import Fault, ProblemError
from domain.models import ModelAlias
from services.entra import GetToken, NoToken
from services.models.asked import calls_before
from services.models.base import AnswerRejected, ModelAnswer, ModelRequest, OnText
from services.models.by_schema import BySchema
from services.models.connection import Connection, client_of
from services.models.failures import of_error, of_request
from services.models.native import Native
from services.models.problems import refused, unreachable
from services.models.stream import Reading, tell, well_formed
from services.telemetry.here import outgoing

Cost = Callable[[ModelAlias, str | None, int, int, int], Decimal | None]
"""(model, name it answered with, tokens in, tokens out, of those in: read from its cache)."""


class Calls:
    """Calls over one client, which keeps connections."""

    def __init__(self, connection: Connection, azure_token: GetToken, cost: Cost) -> None:
        self._secret = connection.secret
        self._cost = cost
        self._client = client_of(connection, azure_token)

    async def make(
        self, request: ModelRequest, entry: ModelAlias, seconds: float, on_text: OnText | None
    ) -> ModelAnswer:
        """See `ModelClient.complete`; it takes so many seconds at the most. Raises `Unserved` too."""
        way = BySchema(request) if entry.tool_calls == "schema" and request.tools else Native(request)
        arguments = {**self._arguments(request, entry), **_well_formed(way.asks())}
        reading = await self._read(arguments, seconds, None if way.whole else on_text)
        reason = reading.finish_reason or "stop"
        answer = self._answer(reading, entry, reason)
        try:
            asked = reading.asked.whole(calls_before(request.messages), cut_off=reason == "length")
            text, value, tool_calls = way.heard(reading.text, reason, asked)
        except ProblemError as error:
            raise AnswerRejected(error.problem, answer) from error
        if way.whole:
            await tell(on_text, text)
        if tool_calls and reason == "stop":
            reason = "tool_calls"  # not every endpoint says so, and by schema none can
        heard = {"text": text, "value": value, "tool_calls": tool_calls, "finish_reason": reason}
        return answer.model_copy(update=heard)

    async def close(self) -> None:
        await self._client.close()

    async def _read(self, arguments: dict[str, Any], seconds: float, on_text: OnText | None) -> Reading:
        reading, taken = Reading(), False
        try:
            async with asyncio.timeout(seconds) as limit:
                stream = await self._client.chat.completions.create(**arguments, timeout=seconds)
                taken = True
                async with stream:
                    await reading.read(aiter(stream), on_text, self._secret)
        except TimeoutError as error:
            if not limit.expired():
                raise  # not ours: `on_text` raised it
            if reading.finish_reason is not None:
                reading.check()
                return reading  # only the end of the stream was missing
            raise unreachable(f"The model did not finish its answer within {seconds:g} seconds.") from error
        except openai.APIError as error:
            raise (of_error if taken else of_request)(error, self._secret) from error
        except NoToken as error:
            action = "Give the identity of this process access to the model endpoint, or set its key."
            raise refused(f"Entra ID gave no token: {error}", action, Fault.PLATFORM) from error
        return reading

    def _answer(self, reading: Reading, entry: ModelAlias, reason: str) -> ModelAnswer:
        usage, cost = reading.usage, None
        if usage is not None:
            cost = self._cost(entry, reading.model, usage.prompt_tokens, usage.completion_tokens, usage.cached)
        return ModelAnswer(
            text=reading.text,
            model=reading.model or entry.model or "",
            tokens_in=usage.prompt_tokens if usage else 0,
            tokens_out=usage.completion_tokens if usage else 0,
            finish_reason=reason,
            cost_usd=cost,
        )

    def _arguments(self, request: ModelRequest, entry: ModelAlias) -> dict[str, Any]:
        # The newer name is the only one that reasoning models take, and one that some compatible endpoints ignore.
        limit = "max_tokens" if entry.provider == "compatible" else "max_completion_tokens"
        arguments: dict[str, Any] = {
            "model": entry.model,
            limit: request.max_output_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "extra_headers": {"Idempotency-Key": request.idempotency_key, **outgoing()},
        }
        if request.temperature is not None:
            arguments["temperature"] = request.temperature
        return arguments


def _well_formed(value: Any) -> Any:
    """JSON whose texts can all be sent."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(part) for key, part in value.items()}
    return [_well_formed(part) for part in value] if isinstance(value, list | tuple) else value
