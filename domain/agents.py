"""What an agent is: the versioned definition of one member of a team."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from domain.base import Definition, Name, Reference
from domain.prompt_definitions import PromptChoice, Variable


class Agent(Definition):
    """Instructions and limits for one model-backed participant."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["instructions"]}, {"required": ["prompt"]}]},
    )

    name: Name = Field(description="What steps call it.")
    description: str = Field(default="", max_length=500, description="For people: what it does, in a line.")
    prompt: PromptChoice | None = Field(
        default=None,
        exclude_if=lambda prompt: prompt is None,
        description="Instead of `instructions`: `name`, `name@version` or `name:label`, or `{variants: […]}`.",
    )
    variables: dict[Variable, Any] = Field(
        default_factory=dict,
        exclude_if=lambda variables: not variables,
        description="What the prompt's variables are; `${…}` in any text of it holds CEL over the workflow's `input`.",
    )
    instructions: str = Field(
        default="",
        validate_default=True,
        max_length=32_000,
        exclude_if=lambda instructions: not instructions,
        json_schema_extra={"minLength": 1},
        description="The system message: who it is and how it works.",
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

    @field_validator("instructions")
    @classmethod
    def _one_of_both(cls, instructions: str, info: ValidationInfo) -> str:
        if "prompt" in info.data and bool(instructions) == (info.data["prompt"] is not None):
            raise ValueError("exactly one of these keys is needed: instructions, prompt")
        return instructions
