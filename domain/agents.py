"""What an agent is: the versioned definition of one member of a team."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from domain.base import Name, Reference, Shape


class Agent(Shape):
    """Instructions and limits for one model-backed participant."""

    name: Name = Field(description="What steps call it.")
    description: str = Field(default="", max_length=500, description="For people: what it does, in a line.")
    instructions: str = Field(
        min_length=1, max_length=32_000, description="The system message: who it is and how it works."
    )
    model: Name = Field(default="default", description="Model alias; `default` is the deployment's configured model.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="Sampling temperature; unset: the model's.")
    max_output_tokens: int = Field(default=1_024, ge=1, le=32_768, description="Most tokens of one answer.")
    output_schema: dict[str, Any] | None = Field(
        default=None, description="JSON Schema that its answers must satisfy; unset: they are free text."
    )
    tools: tuple[Reference, ...] = Field(
        default=(), max_length=64, description="Tools that it may call before it answers."
    )
    max_rounds: int = Field(
        default=8, ge=1, le=50, description="Model calls of one turn in which it may ask for tools; then it answers."
    )
