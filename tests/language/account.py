"""A case to be run, and the account of what came of it, which the simulation and the reference give alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from domain.errors import Code
from domain.events import EventType
from domain.executions import Status, StopReason
from domain.paths import is_within
from domain.values import Json
from domain.workflows import Workflow
from tests.language.script import Script

TOLD = {
    EventType.STEP_STARTED: "started",
    EventType.STEP_COMPLETED: "completed",
    EventType.STEP_FAILED: "failed",
    EventType.STEP_SKIPPED: "skipped",
    EventType.STEP_CANCELED: "canceled",
}

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")
"""A time that an output tells."""


@dataclass(frozen=True)
class Case:
    """A workflow as its author writes it, the workflows it names, its input and the world it runs in.

    `paused`: from when until when. `canceled`: when somebody cancels the execution.
    """

    workflow: dict[str, Any]
    others: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    input: Json = None
    script: Script = field(default_factory=Script)
    paused: tuple[datetime, datetime] | None = None
    canceled: datetime | None = None

    def definition(self) -> Workflow:
        return Workflow.model_validate(self.workflow)


class Made(NamedTuple):
    """One attempt at a call of a model or tool. `how`: answered, misfit, canceled, or the code of its error."""

    key: str
    attempt: int
    start: datetime
    end: datetime
    how: str
    tool: bool = False


class Told(NamedTuple):
    time: datetime
    what: str


@dataclass
class Account:
    """Everything that matters of one execution."""

    status: Status | None = None
    output: Json = None
    code: Code | None = None
    stop_reason: StopReason | None = None
    ended: datetime | None = None
    calls: list[Made] = field(default_factory=list)
    steps: dict[str, list[Told]] = field(default_factory=dict)
    """What was told of each step, by path, in order."""
    given_up: set[str] = field(default_factory=set)
    """Paths of steps that were canceled because they were not needed any more."""
    spent: dict[str, int] = field(default_factory=dict)
    """Tokens by the path of the step that has the budget."""

    def tell(self, path: str, what: str, time: datetime) -> None:
        self.steps.setdefault(path, []).append(Told(time, what))

    def comparable(self) -> dict[str, Any]:
        """All that is certain. Of what goes on in a step that is canceled only the calls are."""
        kept = {
            path: sorted(told)
            for path, told in self.steps.items()
            if path not in self.given_up and not _is_inside(path, self.given_up)
        }
        return {
            "status": self.status,
            "output": self.output,
            "code": self.code,
            "stop_reason": self.stop_reason,
            "ended": self.ended,
            "calls": sorted(self.calls),
            "steps": kept,
            "given up": {path for path in self.given_up if not _is_inside(path, self.given_up)},
            "spent": {path: spent for path, spent in self.spent.items() if spent},
        }

    def timeless(self) -> dict[str, Any]:
        """What of this does not depend on how long anything takes, of a steady workflow."""
        told = self.comparable()
        return {
            **{key: told[key] for key in ("status", "code", "stop_reason")},
            "output": MOMENT.sub("some time", repr(self.output)),
            "calls": sorted((made.key, made.attempt, made.how) for made in self.calls),
            "steps": {path: sorted(one.what for one in of) for path, of in told["steps"].items()},
        }


def _is_inside(path: str, others: set[str]) -> bool:
    return any(is_within(path, other) and path != other for other in others)
