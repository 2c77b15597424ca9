"""The record of one execution, as stored and as shown."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from domain.base import Shape
from domain.caps import Reached
from domain.errors import Problem
from domain.evaluations import Evaluated
from domain.tracing import Trace
from domain.usage import Usage
from domain.webhooks import Webhook


class Status(StrEnum):
    """`paused` and `canceling` are asked for: what is under way ends by itself, and nothing new begins."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELING = "canceling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_ended(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED, Status.CANCELED)


class StopReason(StrEnum):
    """Why an execution, or a chat, a loop, a handoff or a join in it, ended."""

    FINISHED = "finished"
    AGREED = "agreed"
    SAID = "said"
    TURNS = "turns"
    CONDITION = "condition"
    JUDGED = "judged"
    NO_PROGRESS = "no_progress"
    BUDGET = "budget"
    TIME = "time"
    MOST = "most"
    ENOUGH = "enough"
    FAILED = "failed"
    CANCELED = "canceled"


class Fork(Shape):
    """What a fork takes over and what it changes. The execution that it was made from is the record's `retry_of`."""

    before: str | None = Field(default=None, description="Path of the step from which on nothing is taken over.")
    until: int | None = Field(default=None, description="Offset in the other's log from which on nothing is.")
    outputs: tuple[str, ...] = Field(default=(), description="Paths of the steps whose outputs were given.")
    edited: tuple[str, ...] = Field(default=(), description="What was changed: `input`, `workflow`, `agents/NAME`.")
    offline: bool = Field(default=False, description="A replay: nothing is called, all is taken from the other's log.")


class Hold(Shape):
    """Why an execution must not be purged, who said so, and since when."""

    reason: str
    by: str
    since: datetime


class Execution(Shape):
    """`output` is set when completed, `error` when failed. `retry_of`: the execution whose finished calls it reuses.

    `paused_for`: the budget that has paused it, if none of the people did.
    """

    id: str
    tenant: str
    workflow: str
    workflow_version: int | None
    plan: str
    status: Status
    input: Any
    output: Any = None
    error: Problem | None = None
    stop_reason: StopReason | None = None
    paused_for: Reached | None = None
    usage: Usage = Usage()
    turns: int = 0
    retry_of: str | None = None
    fork: Fork | None = None
    imported_from: str | None = None
    evaluation: Evaluated | None = Field(default=None, description="What it evaluates, if it was started for that.")
    variants: dict[str, str] = Field(
        default_factory=dict, description="By agent, the prompt that was chosen for it by weight: `name@version`."
    )
    hold: Hold | None = None
    trace: Trace | None = Field(default=None, description="What started it, in its own trace; None: nobody follows it.")
    webhook: Webhook | None = None
    started_by: str
    created: datetime
    ended: datetime | None = None
