"""The record of one execution, as stored and as shown."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.base import Shape
from domain.errors import Problem
from domain.usage import Usage


class Status(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


class StopReason(StrEnum):
    """Why an execution, or a group chat in it, ended."""

    FINISHED = "finished"
    AGREED = "agreed"
    SAID = "said"
    TURNS = "turns"
    CONDITION = "condition"
    FAILED = "failed"
    CANCELED = "canceled"


class Execution(Shape):
    """`output` is set when completed, `error` when failed. `retry_of`: the execution whose finished calls it reuses."""

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
    usage: Usage = Usage()
    turns: int = 0
    retry_of: str | None = None
    started_by: str
    created: datetime
    ended: datetime | None = None
