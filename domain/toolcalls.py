"""Tools as a model sees them, what it asks for, and what an orchestrator makes of that."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from domain.base import Shape
from domain.tools import ToolApproval
from domain.values import Value

READ_MORE = "read-more"
"""Name of the tool with which an agent pages through a result that is too long to be shown at once."""


class ToolSpec(Shape):
    """What a model is told of one tool. `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str = ""
    parameters: dict[str, Any]


class AskedTool(Shape):
    """One tool call that a model asks for. `id` is the model's own, and comes back to it with the result.

    `complaint` is set, and `arguments` null, when what it wrote as arguments is not a JSON object.
    """

    id: str
    name: str
    arguments: dict[str, Any] | None = None
    complaint: str | None = Field(default=None, max_length=500)


class ToolAnswer(Shape):
    """An answer that asks for tools, as it is recorded; `text` is what was said beside."""

    text: str = ""
    tool_calls: tuple[AskedTool, ...]


class Asking(Shape):
    """What is to be done about one tool call that an answer asks for. Recorded with the answer.

    `via` says how: `call` its tool; run a `workflow`, or ask an `agent` (both `target`); read on in an earlier result
    (`page`); or tell the model why not (`refused`).
    """

    tool: str = Field(description="The reference under which the plan holds the tool; else what the model wrote.")
    via: Literal["call", "workflow", "agent", "page", "refused"] = "call"
    target: str | None = None
    template: str | None = Field(default=None, description="What the agent is asked, over `arguments`.")
    approval: ToolApproval | None = Field(default=None, description="A human is asked first.")
    page: tuple[int, int, int] | None = Field(default=None, description="Round, place in it, first character.")
    refused: str | None = None


class ToolResult(Shape):
    """What a tool call came to: a value (read from character `start` on), or the words of a failure."""

    value: Value | None = None
    start: int = 0
    error: str | None = None


class Round(Shape):
    """One answer that asked for tools, by the event that holds it, and their results in the order asked for."""

    event: str
    results: tuple[ToolResult, ...]
