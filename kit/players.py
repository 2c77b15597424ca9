"""Models and tools that answer as a case says, at the time it says: every call waits to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from domain.errors import Fault, ProblemError
from domain.expressions import as_text
from domain.toolcalls import AskedTool
from domain.tools import Tool
from domain.values import Json
from kit.cases import Answer, Use
from services.models.base import AnswerRejected, ModelAnswer, ModelRequest, OnText
from services.models.problems import rate_limited, refused, unreachable
from services.models.schemas import parse
from services.tools.client import Attempt, ToolClient
from services.tools.problems import tool_failed, tool_refused, tool_uncertain

_SCRIPTED = "The script says so."
_FAILURES: dict[str, Callable[[], ProblemError]] = {
    "model_unreachable": lambda: unreachable("The model is down."),
    "model_rate_limited": lambda: rate_limited(None),
    "model_refused": lambda: refused("The model refuses.", _SCRIPTED, Fault.MODEL),
    "tool_failed": lambda: tool_failed("The tool failed."),
    "tool_refused": lambda: tool_refused("The tool refuses.", _SCRIPTED),
    "tool_uncertain": lambda: tool_uncertain("scripted", "its answer was lost."),
}


@dataclass(eq=False)
class Call:
    """One call that waits to be told its answer. `key`: the step's path, and `#1` for the second call of a turn."""

    key: str
    asked: str | dict[str, Json]
    offered: tuple[str, ...] = ()
    tool: Tool | None = None
    answer: Answer | None = None
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self) -> None:
        self.told.set()

    @staticmethod
    def named(idempotency_key: str) -> str:
        """A call as cases name it: `draft` is `draft#0`."""
        return idempotency_key.partition(":")[2].removesuffix("#0")


class Players:
    """Stands where the model client and the tool client stand. `waiting`: the calls that have not been told yet."""

    name = "scripted"
    provider = "compatible"

    def __init__(self, functions: ToolClient) -> None:
        self._functions = functions
        self.waiting: list[Call] = []
        self.broken_off: list[Call] = []

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelAnswer:
        asked = "\n\n".join(one["content"] for one in request.messages if one["role"] in ("user", "tool"))
        offered = tuple(tool.name for tool in request.tools)
        said = await self._told(Call(Call.named(request.idempotency_key), asked, offered))
        text = "" if said.answer is None and said.tools else as_text(said.answer)
        if on_text is not None:
            on_text(text)
        answer = ModelAnswer(
            text=text, value=text, model=self.name, tokens_in=len(asked.split()), tokens_out=len(text.split()),
            finish_reason="stop",
        )  # fmt: skip
        if said.tools:
            calls = tuple(_asked(number, use) for number, use in enumerate(said.tools))
            return answer.model_copy(update={"value": None, "tool_calls": calls, "finish_reason": "tool_calls"})
        if request.response_schema is None:
            return answer
        try:
            return answer.model_copy(update={"value": parse(text, request.response_schema)})
        except ProblemError as error:
            raise AnswerRejected(error.problem, answer) from error

    async def call(self, attempt: Attempt) -> Json:
        assert isinstance(attempt.arguments, dict)
        said = await self._told(Call(Call.named(attempt.key), attempt.arguments, tool=attempt.tool))
        return await self._functions.call(attempt) if said.runs else said.answer

    def cost(self, _alias: str, _tokens_in: int, _tokens_out: int) -> Decimal | None:
        return None

    async def close(self) -> None:
        await self._functions.close()

    async def _told(self, call: Call) -> Answer:
        self.waiting.append(call)
        try:
            await call.told.wait()
        except asyncio.CancelledError:
            self.broken_off.append(call)
            raise
        finally:
            self.waiting.remove(call)
        assert call.answer is not None
        if call.answer.fails is not None:
            raise _FAILURES[call.answer.fails]()
        return call.answer


def _asked(number: int, use: Use) -> AskedTool:
    """As the protocol's client makes it of what a model wrote."""
    if isinstance(use.arguments, dict):
        return AskedTool(id=f"call-{number}", name=use.name, arguments=use.arguments)
    complaint = f"The arguments are not JSON: {use.arguments}"[:500]
    return AskedTool(id=f"call-{number}", name=use.name, complaint=complaint)
