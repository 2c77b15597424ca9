"""What an orchestrator asks of `call_model`, and the outcome it gets back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from domain.base import Shape
from domain.errors import Problem
from domain.events import Draft
from domain.usage import Usage


class TemplatePrompt(Shape):
    """The user message is `template` rendered over `scope` (each entry a `Value`)."""

    kind: Literal["template"] = "template"
    template: str
    scope: dict[str, Any]


class Said(Shape):
    """One turn of a chat as the window holds it: who, and the event that recorded the words."""

    turn: int
    speaker: str
    event: str


class ChatPrompt(Shape):
    """The speaker's go in a group chat: the task, who is there, and the turns in view."""

    kind: Literal["chat"] = "chat"
    task: TemplatePrompt
    participants: tuple[str, ...]
    speaker: str
    turn: int
    view: tuple[Said, ...]


class ChairPrompt(Shape):
    """The chair's go: who speaks next among `choices`, and, when asked, whether they agree."""

    kind: Literal["chair"] = "chair"
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
    key: str
    step: str
    agent: str = Field(description="The reference as written in the workflow.")
    prompt: Prompt
    output_schema: dict[str, Any] | None = None
    watch: tuple[str, ...] = Field(default=(), description="Texts to look for in the answer.")
    data: dict[str, Any] = Field(default_factory=dict, description="Facts for the call's events: turn, role.")
    events: tuple[Draft, ...] = Field(default=(), description="Events the orchestrator caused, to be logged first.")


class CallOutcome(Shape):
    """How a call ended: `value` (a `Value`) or `error`, never both. `said` lists the watched texts it contains."""

    value: dict[str, Any] | None = None
    error: Problem | None = None
    usage: Usage = Usage()
    said: tuple[str, ...] = ()
    preview: str = ""


def completed_id(key: str) -> str:
    """Id of the event that holds a call's answer: the ledger's key."""
    return f"{key}:call.completed"
