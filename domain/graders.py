"""What is asked of the answers to the cases of an evaluation: rules, schemas, expressions, and agents as judges."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from domain.base import Name, Reference, Shape

KINDS = ("rule", "schema", "cel", "judge")
Rule = Literal["equals", "contains", "regex", "number"]

VERDICT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["reason", "pass"],
    "properties": {"reason": {"type": "string"}, "pass": {"type": "boolean"}},
}
SCORE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["reason", "score"],
    "properties": {"reason": {"type": "string"}, "score": {"type": "number", "minimum": 0, "maximum": 1}},
}
"""The reason comes first: a model that has given it judges better."""
ASK = """Judge the answer to a task.

The task:
${input}

The answer:
${output}

What was expected:
${expected}"""


class Judge(Shape):
    """An agent that is asked about each answer, and must answer by a schema."""

    agent: Reference = Field(description="Who judges: `name` or `name@version`.")
    ask: str = Field(
        default=ASK,
        min_length=1,
        max_length=32_000,
        description="What it is asked; `${…}` holds CEL over `input`, `output` and `expected`.",
    )
    scale: Literal["pass", "score"] = Field(
        default="pass", description="Whether it says yes or no, or gives a score from 0 to 1."
    )


class Grader(Shape):
    """One thing that is asked of each answer, made of exactly one of `rule`, `schema`, `cel`, `judge`."""

    name: Name = Field(description="What results call it.")
    rule: Rule | None = Field(
        default=None, description="Compares the output with what is `expected`, as text if needed."
    )
    schema_: dict[str, Any] | None = Field(
        default=None, alias="schema", description="A JSON Schema that the output, or the JSON in it, must satisfy."
    )
    cel: str | None = Field(
        default=None,
        max_length=2_000,
        description="CEL over `output`, `expected`, `input` and `usage`: true, false, or a score from 0 to 1.",
    )
    judge: Judge | None = Field(default=None, description="An agent that is asked about each answer.")
    of: str | None = Field(
        default=None, max_length=2_000, description="Of a rule: CEL that picks from `output` what is compared."
    )
    pattern: str | None = Field(
        default=None, max_length=1_000, description="Of `regex`: the pattern; default: what is expected is one."
    )
    ignore_case: bool = Field(default=False, description="Of a rule: capitals and small letters are the same.")
    tolerance: float = Field(default=0, ge=0, description="Of `number`: how far it may be from what is expected.")
    relative: bool = Field(default=False, description="Of `number`: the tolerance is a part of what is expected.")
    pass_at: float = Field(default=0.5, ge=0, le=1, description="A score of so much, or more, counts as passed.")

    @model_validator(mode="after")
    def _one_kind(self) -> Grader:
        if sum(value is not None for value in (self.rule, self.schema_, self.cel, self.judge)) != 1:
            raise ValueError(f"exactly one of these keys is needed: {', '.join(KINDS)}")
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, "schema_" if kind == "schema" else kind) is not None)
