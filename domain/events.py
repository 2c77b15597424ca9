"""The event log of an execution: one enum of types, one shape, addressed by an increasing offset."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from domain.base import Shape


class EventType(StrEnum):
    EXECUTION_STARTED = "execution.started"
    EXECUTION_COMPLETED = "execution.completed"
    EXECUTION_FAILED = "execution.failed"
    EXECUTION_CANCELED = "execution.canceled"
    EXECUTION_PAUSED = "execution.paused"
    EXECUTION_RESUMED = "execution.resumed"
    CANCEL_REQUESTED = "execution.cancel_requested"
    STEP_STARTED = "step.started"
    STEP_COMPLETED = "step.completed"
    STEP_FAILED = "step.failed"
    STEP_SKIPPED = "step.skipped"
    STEP_CANCELED = "step.canceled"
    STEP_WAITING = "step.waiting"
    STEP_EVALUATED = "step.evaluated"
    CALL_STARTED = "call.started"
    CALL_COMPLETED = "call.completed"
    CALL_FAILED = "call.failed"
    CALL_REJECTED = "call.rejected"
    CALL_ASKED = "call.asked"
    SPEAKER_CHOSEN = "chat.speaker_chosen"
    CHAT_SUMMARISED = "chat.summarised"
    CHAT_JUDGED = "chat.judged"
    CHAT_ENDED = "chat.ended"
    HANDED_OFF = "handoff.passed"
    LOOP_ROUND = "loop.round"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_ESCALATED = "approval.escalated"
    APPROVAL_DECIDED = "approval.decided"
    SIGNAL_RECEIVED = "signal.received"
    BUDGET_REACHED = "budget.reached"
    BUDGET_RAISED = "budget.raised"


TERMINAL = frozenset({EventType.EXECUTION_COMPLETED, EventType.EXECUTION_FAILED, EventType.EXECUTION_CANCELED})
"""An event of one of these is the last of its execution."""

ANSWERS = frozenset({EventType.CALL_COMPLETED, EventType.CALL_REJECTED, EventType.CALL_ASKED})
"""What a call gave: a model's answer, whatever it is worth, or a tool's result."""


def given_id(path: str) -> str:
    """Id of the event that holds the output which a fork gives to the step at `path`."""
    return f"fork:{path}"


class Draft(Shape):
    """An event before the log gives it an offset. Its `id` is deterministic: appending it twice keeps it once."""

    id: str
    type: EventType
    time: datetime
    step: str | None = Field(default=None, description="Path of the step, e.g. `debate/turn[3]`.")
    agent: str | None = None
    data: dict[str, Any] = Field(default_factory=dict, description="Small facts; keys depend on the type.")
    value: Any = Field(default=None, description="The payload: an input, an answer, an output.")
    artifact: str | None = Field(default=None, description="Where the payload is when it is too large for the log.")


class Event(Draft):
    """One line of the log. `offset` starts at 1 and has no gaps."""

    offset: int


class Delta(Shape):
    """A piece of an answer being written: shown live, never logged. `position` counts the characters before it."""

    step: str
    agent: str | None
    call: str
    attempt: int
    position: int
    text: str
