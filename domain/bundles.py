"""An execution as one document that can be taken elsewhere: its definitions, its record, its whole log."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from domain.base import Name, Reference, Shape
from domain.errors import Problem
from domain.events import EventType
from domain.executions import Fork, Status, StopReason
from domain.plans import Plan
from domain.usage import Usage

SCHEMA_VERSION: Literal[1] = 1
MAX_BYTES = 32 * 1024 * 1024
"""Of a bundle as JSON: what is larger is neither exported nor imported."""
NOT_BUNDLED = frozenset({"tenant", "plan", "hold", "webhook", "evaluation", "paused_for", "trace"})
"""Fields of a record that mean nothing elsewhere."""

_MOST_COUNTED = 10**15
_MOST_USD = Decimal(10**9)
_FINEST_USD = -20
"""Exponent of the smallest part of a dollar."""
_SEGMENT = r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}(\[[0-9]{1,9}\])*"


def _sane_time(time: datetime) -> datetime:
    if not 2000 <= time.year < 3000:
        raise ValueError("should be a time of this millennium")
    return time


def plausible(usage: Usage) -> Usage:
    """Raises `ValueError` for sums that no execution comes to, and that could not be added up or written out."""
    if not all(0 <= number <= _MOST_COUNTED for number in (usage.model_calls, usage.tokens_in, usage.tokens_out)):
        raise ValueError(f"counts should be from 0 to {_MOST_COUNTED}")
    cost = usage.cost_usd
    if cost is not None and not (0 <= cost <= _MOST_USD and int(cost.as_tuple().exponent) >= _FINEST_USD):
        raise ValueError(f"`cost_usd` should be from 0 to {_MOST_USD}")
    return usage


ExecutionId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Moment = Annotated[AwareDatetime, AfterValidator(_sane_time)]
Spent = Annotated[Usage, AfterValidator(plausible)]
Path = Annotated[str, StringConstraints(max_length=2_000, pattern=rf"^{_SEGMENT}(/{_SEGMENT})*$")]
EventId = Annotated[str, StringConstraints(max_length=4_000, pattern=r"^[\x20-\x7e]+$")]


class BundledEvent(Shape):
    """One line of the log, its payload with it however large it is."""

    offset: int = Field(ge=1)
    id: EventId
    type: EventType
    time: Moment
    step: Path | None = None
    agent: Reference | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    value: Any = None


class BundledExecution(Shape):
    """The record, without what it means only where it comes from."""

    id: ExecutionId
    workflow: Name
    workflow_version: int | None = Field(default=None, ge=1)
    status: Status
    input: Any
    output: Any = None
    error: Problem | None = None
    stop_reason: StopReason | None = None
    usage: Spent = Usage()
    turns: int = Field(default=0, ge=0, le=_MOST_COUNTED)
    retry_of: ExecutionId | None = None
    fork: Fork | None = None
    imported_from: ExecutionId | None = None
    variants: dict[Reference, Reference] = Field(default_factory=dict)
    started_by: str = Field(max_length=500)
    created: Moment
    ended: Moment | None = None


class Frame(Shape):
    """A bundle whose plan and events are still to be looked at."""

    schema_version: Literal[1]
    exported: Moment
    execution: BundledExecution
    plan: dict[str, Any]
    events: list[Any]


class Bundle(Shape):
    """What `GET /api/executions/{id}/bundle` gives and `POST /api/executions/import` takes."""

    schema_version: Literal[1]
    exported: Moment
    execution: BundledExecution
    plan: Plan
    events: tuple[BundledEvent, ...]
