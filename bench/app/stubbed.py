"""The real function app, with the stub where the client of the model endpoint would be; all else is as deployed."""

from __future__ import annotations

from bench.stub import Stub
from bench.workloads import LATENCY, PARK
from domain.models import ModelAlias
from function_app import app
from services.models.base import ModelAnswer, ModelRequest, OnText
from services.models.endpoints import Endpoints
from services.models.problems import unreachable

__all__ = ["app"]


class StubCalls:
    """In the place of `services.models.calls.Calls`."""

    def __init__(self) -> None:
        self._stub = Stub()

    async def make(self, request: ModelRequest, entry: ModelAlias, _: float, on_text: OnText | None) -> ModelAnswer:
        if request.messages[-1]["content"] == PARK:
            raise unreachable("This execution is to wait.")
        asked = LATENCY.search(request.messages[-1]["content"])
        text = await self._stub.answer(request.idempotency_key, float(asked[1]) if asked else None)
        if on_text is not None and (waited := on_text(text)) is not None:
            await waited
        return ModelAnswer(
            text=text, value=text, model=entry.model or "", tokens_in=100, tokens_out=80, finish_reason="stop"
        )

    async def close(self) -> None:
        """Nothing is open."""


_calls = StubCalls()
Endpoints._load = lambda *_: _calls  # type: ignore[assignment, method-assign]
