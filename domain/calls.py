"""What an orchestrator asks of `call_model`, and the outcome it gets back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.base import Shape
from domain.errors import Problem
from domain.events import Draft
from domain.executions import StopReason
from domain.policies import Retry


class TemplatePrompt(Shape):
    """The user message is `template` rendered over `scope` (each entry a `Value`)."""

    kind: Literal["template"]
    template: str
    scope: dict[str, Any]


class Said(Shape):
    """One turn of a chat as the window holds it: who, and the event that recorded the words."""

    turn: int
    speaker: str
    event: str


class ChatPrompt(Shape):
    """The speaker's go in a group chat: the task, who is there, and the turns in view."""

    kind: Literal["chat"]
    task: TemplatePrompt
    participants: tuple[str, ...]
    speaker: str
    turn: int
    view: tuple[Said, ...]


class ChairPrompt(Shape):
    """The chair's go: who speaks next among `choices`, and, when asked, whether they agree."""

    kind: Literal["chair"]
    task: TemplatePrompt
    participants: tuple[str, ...]
    choices: tuple[str, ...]
    may_agree: bool
    view: tuple[Said, ...]


Prompt = Annotated[TemplatePrompt | ChatPrompt | ChairPrompt, Field(discriminator="kind")]


class ModelCall(Shape):
    """One model call. `key` is the same on every attempt, so that a finished call is never made again."""

    tenant: str
    execution: str
    plan: str
    retry_of: str | None = Field(default=None, description="The execution whose answers may be used again.")
    key: str
    step: str
    agent: str = Field(description="The reference as written in the workflow.")
    prompt: Prompt
    output_schema: dict[str, Any] | None = None
    watch: tuple[str, ...] = Field(default=(), description="Texts to look for in the answer.")
    data: dict[str, Any] = Field(default_factory=dict, description="Facts for the call's events: turn, role.")
    retry: Retry
    failures: int = Field(default=0, description="How often this call has failed before.")
    events: tuple[Draft, ...] = Field(default=(), description="Events the orchestrator caused, to be logged first.")


class CallOutcome(Shape):
    """How a call ended: `value` (a `Value`) or `error`, never both."""

    value: dict[str, Any] | None = None
    error: Problem | None = None
    said: tuple[str, ...] = Field(default=(), description="The watched texts that the answer contains.")
    preview: str = Field(default="", description="The beginning of the answer, for those who only glance.")


PREVIEW_CHARACTERS = 300


class Evaluation(Shape):
    """An expression or template to evaluate where the values it needs can be loaded."""

    tenant: str
    execution: str
    id: str = Field(description="Id of the event that records the result when it is too large to travel inline.")
    step: str
    source: str
    template: bool
    scope: dict[str, Any]
    time: datetime
    events: tuple[Draft, ...] = ()


class Ending(Shape):
    """What `finish` needs to close an execution: the result to render, or the error."""

    tenant: str
    execution: str
    template: str | None = Field(default=None, description="The workflow's `output`; None gives `value` as it is.")
    scope: dict[str, Any] = Field(default_factory=dict)
    value: dict[str, Any] | None = None
    error: Problem | None = None
    stop_reason: StopReason
    events: tuple[Draft, ...] = ()


def completed_id(key: str) -> str:
    """Id of the event that holds a call's answer: the ledger's key."""
    return f"{key}:call.completed"
