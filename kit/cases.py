"""Tests of workflows as data: an input, what everyone answers, and what is to come of it. Strict: a slip is an error.

docs/testing.md explains the shape to authors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from domain.base import Name, Shape
from domain.errors import Code
from domain.executions import StopReason
from domain.policies import ROLES, Role
from domain.validation.shapes import details_of
from domain.values import Json

SUFFIXES = (".test.yaml", ".test.yml", ".test.json")
Ending = Literal["completed", "failed", "skipped", "canceled"]
Failure = Literal[
    "model_unreachable", "model_rate_limited", "model_refused", "tool_failed", "tool_refused", "tool_uncertain"
]
Texts = Annotated[tuple[str, ...], BeforeValidator(lambda written: [written] if isinstance(written, str) else written)]
"""One text, or several."""
_WAYS = ("answer", "tools", "runs", "fails", "broken_off")


class BadCases(Exception):
    """The file cannot be used; one line for each mistake in it."""


class Use(Shape):
    """One tool that an agent asks for."""

    name: str = Field(description="The tool, as the agent is offered it.")
    arguments: dict[str, Any] | str = Field(
        default_factory=dict, description="What with; a text is taken as it is, and so may be no JSON."
    )


class Answer(Shape):
    """What comes of one call of a model or a tool. A text alone is short for `{answer: text}`."""

    call: str | None = Field(default=None, description="With `in_order`: which call this is the answer to.")
    asked: Texts = Field(default=(), description="Texts in what the model is sent.")
    not_asked: Texts = Field(default=(), description="Texts that are not in it.")
    arguments: dict[str, Any] | None = Field(default=None, description="Exactly what the tool is given.")
    offered: tuple[str, ...] | None = Field(default=None, description="Exactly the tools that the agent is offered.")
    answer: Any = Field(default=None, description="What a model says, or a tool gives.")
    tools: tuple[Use, ...] = Field(
        default=(), description="Instead: the tools that an agent asks for, all at once. `answer` is said beside them."
    )
    runs: Literal[True] | None = Field(
        default=None, description="Instead: the tool is a function of `tool_modules`, and really runs."
    )
    fails: Failure | None = Field(default=None, description="Instead: the code of the error it fails with.")
    broken_off: Literal[True] | None = Field(
        default=None, description="Instead: it does not answer, and is broken off because nobody needs it any more."
    )
    takes: timedelta = Field(default=timedelta(0), ge=timedelta(0), description="How long that takes.")

    @model_validator(mode="after")
    def _one_way(self) -> Answer:
        if len(self.model_fields_set.intersection(_WAYS) - ({"answer"} if self.tools else set())) != 1:
            raise ValueError(f"exactly one of these keys is needed: {', '.join(_WAYS)}")
        return self


class Decision(Shape):
    """What a person decides who is asked: by an approval, by a failure, or in a chat."""

    asked: Texts = Field(default=(), description="Texts in the question, or in what is shown beside it.")
    decision: str = Field(description="One of the question's options; `say` in a chat, the words are the comment.")
    comment: str = Field(default="", description="What they say beside it.")
    by: str = Field(default="someone", description="Who they are.")
    role: Role = Field(default=ROLES[0], description="In which role; the question must allow it.")
    after: timedelta = Field(default=timedelta(0), ge=timedelta(0), description="How long it has been open by then.")


class Sent(Shape):
    """An event that is sent to a step which waits for it."""

    value: Any = Field(default=None, description="What comes with it.")
    after: timedelta = Field(default=timedelta(0), ge=timedelta(0), description="How long it has been waited for.")


class Expected(Shape):
    """What is to come of it. What is not said is not looked at."""

    status: Literal["completed", "failed", "paused"] = "completed"
    output: Any = Field(default=None, description="Exactly.")
    error: Code | None = Field(default=None, description="Code of the error that the execution fails with.")
    stop_reason: StopReason | None = Field(default=None, description="Of the execution.")
    steps: dict[str, Ending] = Field(default_factory=dict, description="How steps end, by path.")
    stop_reasons: dict[str, StopReason] = Field(default_factory=dict, description="Why steps stop, by path.")
    calls: tuple[str, ...] | None = Field(
        default=None, description="Every call, in the order begun; of those begun at the same moment, by name."
    )
    took: timedelta | None = Field(default=None, description="Time from beginning to end.")


class Case(Shape):
    """One execution of the workflow."""

    name: str = Field(min_length=1, description="What it shows, as a sentence.")
    input: Any = Field(default_factory=dict, description="What the workflow is started with.")
    answers: dict[str, tuple[Answer, ...]] = Field(
        default_factory=dict, description="By the call's step, one or a list of one for each try."
    )
    in_order: tuple[Answer, ...] = Field(default=(), description="Instead: the answers to all calls, in order.")
    people: dict[str, tuple[Decision, ...]] = Field(
        default_factory=dict, description="By the step that asks; a question without a decision waits for its deadline."
    )
    events: dict[str, Sent] = Field(default_factory=dict, description="By the step that waits for it.")
    expect: Expected = Field(default_factory=Expected)

    @field_validator("answers", "in_order", "people", mode="before")
    @classmethod
    def _written_short(cls, written: Any) -> Any:
        if isinstance(written, Mapping):
            return {key: _listed(_spelt(of)) for key, of in written.items()}
        return _spelt(written)

    @model_validator(mode="after")
    def _one_way_to_answer(self) -> Case:
        if self.answers and self.in_order:
            raise ValueError("write `answers` or `in_order`, not both")
        return self


class CaseFile(Shape):
    """The tests of one workflow."""

    workflow: Name = Field(description="Which workflow they are tests of.")
    definitions: tuple[str, ...] = Field(
        default=(),
        description="Files and folders, from here, with the definitions it uses. Unless said: those beside this file, "
        "and those in the folders beside its folder.",
    )
    tool_modules: tuple[str, ...] = Field(
        default=(), description="Python modules that register functions, for answers that say `runs`."
    )
    cases: tuple[Case, ...] = Field(min_length=1)


def parse(written: Json, place: Callable[[str], str]) -> CaseFile:
    """Raises `BadCases`; `place` says where in the file a pointer leads."""
    try:
        return CaseFile.model_validate(written)
    except ValidationError as error:
        details = details_of(error, CaseFile, written)
        raise BadCases("\n".join(f"{place(one.pointer)}: {one.message}" for one in details)) from error


def _spelt(lines: Any) -> Any:
    """Short answers as they would be written in full."""
    if isinstance(lines, str):
        return {"answer": lines}
    return [_spelt(line) for line in lines] if isinstance(lines, list) else lines


def _listed(lines: Any) -> Any:
    return [lines] if isinstance(lines, Mapping) else lines
