"""Tools as a model sees them: what it is told of each, and what it asks for."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from domain.base import Shape


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
