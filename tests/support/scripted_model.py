"""A model that answers as a test says, and complains about calls the test did not foresee."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.errors import Code, Fault, Problem, ProblemError
from domain.toolcalls import AskedTool
from services.models.base import AnswerRejected, ModelAnswer, ModelRequest, OnText


@dataclass(frozen=True)
class Calls:
    """An answer that asks for tools, each `(name, arguments)`."""

    calls: tuple[tuple[str, dict[str, Any]], ...]
    text: str = ""


Answer = str | dict[str, Any] | Problem | AnswerRejected | Calls
Script = Callable[[ModelRequest], Answer]


def calls(*asked: tuple[str, dict[str, Any]], text: str = "") -> Calls:
    return Calls(asked, text)


def unreachable(retry_after: float | None = None) -> Problem:
    return Problem(
        code=Code.MODEL_UNREACHABLE,
        message="The model is down.",
        action="Wait.",
        fault=Fault.MODEL,
        retryable=True,
        retry_after=retry_after,
    )


def bad_answer() -> Problem:
    return Problem(code=Code.MODEL_BAD_ANSWER, message="Not JSON.", action="Retry.", fault=Fault.MODEL, retryable=True)


def rejected(text: str, code: Code = Code.MODEL_BAD_ANSWER) -> AnswerRejected:
    """A whole answer that does not fit what was asked for."""
    answer = ModelAnswer(text=text, model="scripted", tokens_in=10, tokens_out=len(text.split()), finish_reason="stop")
    is_retryable = code is Code.MODEL_BAD_ANSWER  # one of a cascade goes on to the stronger model, at once
    problem = Problem(code=code, message="It does not fit.", action="Retry.", fault=Fault.MODEL, retryable=is_retryable)
    return AnswerRejected(problem, answer)


class ScriptedModel:
    """Stands where the model client stands. `asked` lists the requests in the order they came, `keys` counts them."""

    name = "scripted"
    provider = "compatible"

    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked: list[ModelRequest] = []
        self.keys: defaultdict[str, int] = defaultdict(int)
        self.gates: dict[str, asyncio.Event] = {}
        self.says_first = ""
        """What it says of each answer before it stops at a gate."""
        self.price: Decimal | None = None
        """US dollars for a token, in or out."""
        self._asked = asyncio.Condition()

    def gate(self, part_of_key: str) -> asyncio.Event:
        """Calls whose key contains the text wait until the event is set."""
        return self.gates.setdefault(part_of_key, asyncio.Event())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for calls until the condition holds; ten seconds at the most."""
        async with asyncio.timeout(10), self._asked:
            await self._asked.wait_for(condition)

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelAnswer:
        self.asked.append(request)
        self.keys[request.idempotency_key.partition(":")[2]] += 1
        async with self._asked:
            self._asked.notify_all()
        if self.says_first and on_text is not None:
            on_text(self.says_first)
        for part, gate in self.gates.items():
            if part in request.idempotency_key:
                await gate.wait()
        answer = self._script(request)
        if isinstance(answer, Problem):
            raise ProblemError(answer)
        if isinstance(answer, AnswerRejected):
            raise answer
        if isinstance(answer, Calls):
            return self._asking(request, answer)
        text = answer if isinstance(answer, str) else str(answer)
        if on_text is not None:
            on_text(text)
        tokens_out = len(text.split())
        return ModelAnswer(
            text=text, value=answer, model="scripted", tokens_in=10, tokens_out=tokens_out, finish_reason="stop",
            cost_usd=self.cost(request.alias, 10, tokens_out),
        )  # fmt: skip

    def _asking(self, request: ModelRequest, answer: Calls) -> ModelAnswer:
        asked = [
            AskedTool(id=f"c{place}", name=name, arguments=arguments)
            for place, (name, arguments) in enumerate(answer.calls)
        ]
        return ModelAnswer(
            text=answer.text, tool_calls=tuple(asked), model="scripted", tokens_in=10, tokens_out=5,
            finish_reason="tool_calls", cost_usd=self.cost(request.alias, 10, 5),
        )  # fmt: skip

    def cost(self, _alias: str, tokens_in: int, tokens_out: int) -> Decimal | None:
        return None if self.price is None else self.price * (tokens_in + tokens_out)

    async def close(self) -> None:
        """Nothing to close."""
