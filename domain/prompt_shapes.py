"""What a model is asked, as an orchestrator says it: by references, never by words. `domain.prompts` makes the text."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from domain.base import Shape


class TemplatePrompt(Shape):
    """The user message is `template` rendered over `scope` (each entry a `Value`)."""

    kind: Literal["template"]
    template: str
    scope: dict[str, Any]


class Said(Shape):
    """One turn of a chat as the window holds it: who, the event that recorded the words, and whom they name.

    `addressed` lists only participants whose view asks for it.
    """

    turn: int
    speaker: str
    event: str
    addressed: tuple[str, ...] = ()


class Summary(Shape):
    """What the agent `by` has made of the turns up to `to`. `lost`: first and last of those not all of which are in."""

    event: str
    by: str
    to: int
    lost: tuple[int, int] | None = None


class OverChat(Shape):
    """What everyone who is asked about a chat is shown: the task, who is there, the turns in view, and a summary.

    `turn` is the one that comes next: of those before it, what is neither in view nor summed up is left out. Of the
    view only as many of the latest turns are told as are at most so many `tokens`, and the latest of them all.
    """

    task: TemplatePrompt
    participants: tuple[str, ...]
    turn: int = 0
    view: tuple[Said, ...]
    summary: Summary | None = None
    tokens: int | None = None


class ChatPrompt(OverChat):
    """The speaker's go in a group chat."""

    kind: Literal["chat"]
    speaker: str


class ChairPrompt(OverChat):
    """The chair's go: who speaks next among `choices`, and, when asked, whether they agree."""

    kind: Literal["chair"]
    choices: tuple[str, ...]
    may_agree: bool


class JudgePrompt(OverChat):
    """The go of a judge, who answers yes or no to the question, with a reason."""

    kind: Literal["judge"]
    question: str


class SummaryPrompt(OverChat):
    """The go of whoever sums up: the turns of the view, to be told in one with the summary of those before."""

    kind: Literal["summary"]


class HandoffPrompt(Shape):
    """The go of an agent that answers, or passes the conversation to one of `choices`."""

    kind: Literal["handoff"]
    task: TemplatePrompt
    speaker: str
    choices: tuple[str, ...]
    view: tuple[Said, ...]


AboutChat = ChatPrompt | ChairPrompt | JudgePrompt | SummaryPrompt
Prompt = Annotated[
    TemplatePrompt | ChatPrompt | ChairPrompt | JudgePrompt | SummaryPrompt | HandoffPrompt,
    Field(discriminator="kind"),
]


class Repair(Shape):
    """Asks once more after an answer that did not fit its schema: where that is recorded, and what was wrong."""

    rejected: str
    complaint: str
