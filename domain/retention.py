"""How long executions are kept after their end, and what may be purged now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from domain.base import Shape
from domain.events import EventType
from domain.executions import Execution, Status

SHORTEST = timedelta(days=1)
LONGEST = timedelta(days=36_500)
"""Longer than anybody waits, and short enough to reckon with."""


def _sensible(keep: timedelta) -> timedelta:
    if not SHORTEST <= keep <= LONGEST:
        raise ValueError("must be from one day to a hundred years, for example P30D; null keeps for ever")
    return keep


Keep = Annotated[timedelta, AfterValidator(_sensible)]


class RetentionPolicy(Shape):
    """How long a tenant's executions are kept after their end, by how they ended. Null: for ever."""

    completed: Keep | None = Field(default=None, description="Of completed ones.")
    failed: Keep | None = Field(default=None, description="Of failed ones.")
    canceled: Keep | None = Field(default=None, description="Of canceled ones.")

    def latest_due(self, now: datetime) -> dict[Status, datetime]:
        """By status, the moment before which one must have ended to be due now. Without those kept for ever."""
        keeps = {
            Status.COMPLETED: self.completed,
            Status.FAILED: self.failed,
            Status.CANCELED: self.canceled,
        }
        return {status: now - keep for status, keep in keeps.items() if keep is not None}


class Verdict(StrEnum):
    DUE = "due"
    HELD = "held"
    KEPT = "kept"


def judge(execution: Execution, policy: RetentionPolicy, now: datetime) -> Verdict:
    """Whether it may be purged now. `held`: it would be due, but it is on hold."""
    latest = policy.latest_due(now).get(execution.status)
    if latest is None or execution.ended is None or execution.ended > latest:
        return Verdict.KEPT
    if execution.id >= first_id_of(latest):  # imported since: it counts from then
        return Verdict.KEPT
    return Verdict.HELD if execution.hold else Verdict.DUE


def first_id_of(moment: datetime) -> str:
    """The ids of executions that were recorded before this moment are smaller, and all others are not."""
    return f"{int(moment.timestamp() * 1_000):012x}"


class Purged(Shape):
    """What one purge did. `more`: others are due, beyond the number that it was asked for."""

    purged: int = Field(default=0, description="Removed, with everything they left.")
    held: int = Field(default=0, description="Due, and kept because they are on hold.")
    in_use: int = Field(default=0, description="Due, and kept because one that has not ended reuses their answers.")
    failed: int = Field(default=0, description="Could not be removed whole; the next purge goes on with them.")
    more: bool = False

    def __add__(self, other: Purged) -> Purged:
        """Both, one after the other: what was kept was met again, and is counted once."""
        return other.model_copy(update={"purged": self.purged + other.purged, "failed": self.failed + other.failed})


CHAT = "group_chat"
_OF_THEIR_OWN = frozenset({CHAT, "handoff", "loop", "map", "workflow"})
"""Kinds of step that may have orchestrators of their own."""
SLICE = 50
"""Every so many items a `map` has an orchestrator of its own, named after the first of them."""


def orchestrators_of(events: Iterator[Mapping[str, Any]]) -> dict[str, str | None]:
    """Paths of what may have had an orchestrator of its own, and the step's kind where the log tells."""
    found: dict[str, str | None] = {}
    for event in events:
        path, kind = event.get("step"), event.get("data", {}).get("kind")
        if path and event["type"] == EventType.STEP_STARTED and kind in _OF_THEIR_OWN:
            found[path] = kind
        elif path and _begins_slice(path):
            found.setdefault(path, None)
    return found


def _begins_slice(path: str) -> bool:
    _, _, number = path.removesuffix("]").rpartition("[")
    return path.endswith("]") and number.isdecimal() and int(number) % SLICE == 0


def instance_of(execution: str, path: str, again: int = 0) -> str:
    """The durable instance that runs the step at `path`; `again` counts how often it was run before."""
    return f"{execution}.{path.replace('/', '.')}" + (f"~{again}" if again else "")
