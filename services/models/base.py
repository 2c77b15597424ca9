"""What is asked of a model, and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from pydantic import Field

from domain.base import Shape
from domain.errors import Code, Problem, ProblemError
from domain.toolcalls import AskedTool, ToolSpec
from domain.values import Json

OnText = Callable[[str], Awaitable[None] | None]
"""Given each piece of the answer as it comes."""


class ModelRequest(Shape):
    """One call. `alias` is what an agent calls its model; `timeout` is in seconds, unset: the deployment's.

    `messages` are those of OpenAI's chat completions: a text `content` each, and where tools were called `tool_calls`
    on the assistant's and `tool_call_id` on the tool's. With `tools`, the answer may ask for some instead; with
    `must_answer` it may not, whatever was called before. `escalated`: of a cascade, the first answer was not accepted.
    """

    messages: list[dict[str, Any]]
    alias: str = "default"
    temperature: float | None = None
    max_output_tokens: int = 1_024
    response_schema: dict[str, Any] | None = None
    tools: tuple[ToolSpec, ...] = ()
    must_answer: bool = False
    escalated: bool = False
    idempotency_key: str
    timeout: float | None = Field(default=None, gt=0)


class AnswerRejected(ProblemError):
    """An answer that came whole, and so is paid for, and does not fit what was asked for."""

    def __init__(self, problem: Problem, answer: ModelAnswer) -> None:
        super().__init__(problem)
        self.answer = answer


class PassedOver(Shape):
    """A model that was to be asked first, and why it did not answer."""

    alias: str
    code: Code
    message: str


class ModelAnswer(Shape):
    """`value` is the parsed JSON when a schema was asked for, else the text. With `tool_calls` it is None: the model
    wants their results first, and `text` is what it said beside.

    An endpoint that does not say how many tokens it used leaves them 0 and the cost None; so does an unknown price.
    `alias` is the one that answered, after those `passed_over`.
    """

    text: str
    value: Json = None
    tool_calls: tuple[AskedTool, ...] = ()
    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    finish_reason: str
    cost_usd: Decimal | None = None
    alias: str | None = None
    passed_over: tuple[PassedOver, ...] = ()
