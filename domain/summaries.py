"""How each step of an execution went, summed up from its log, event by event."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from domain.base import Shape
from domain.events import TERMINAL, Event, EventType, given_id
from domain.expressions import as_text
from domain.hearing import PREVIEW_CHARACTERS
from domain.usage import Usage, used
from domain.values import Json, content_hash

Progress = Literal["running", "waiting", "completed", "failed", "skipped", "canceled"]

_PROGRESS: dict[EventType, Progress] = {
    EventType.STEP_STARTED: "running",
    EventType.STEP_COMPLETED: "completed",
    EventType.STEP_FAILED: "failed",
    EventType.STEP_SKIPPED: "skipped",
    EventType.STEP_CANCELED: "canceled",
}
_TELLS_OF_STEP = frozenset({*_PROGRESS, EventType.STEP_WAITING, EventType.SPEAKER_CHOSEN, EventType.APPROVAL_REQUESTED})
"""Beside events of calls. What others are of may be no step: a round of a loop, the output that a fork gives."""
_UNENDED = ("running", "waiting")
_DECISION = ("decision", "comment")
"""What a human said; by whom and when it is another in each execution."""
_TURN = re.compile(r"(^|/)turn\[\d+\]$")


class StepSummary(Shape):
    """One step as its log tells of it. What steps inside it did is not counted here but with them, so sums add up."""

    path: str
    kind: str = Field(description="Kind of the step; `turn` of a chat; the role of a call beside a turn.")
    status: Progress
    agent: str | None = None
    output: str | None = Field(default=None, description="Hash of the output, for telling two apart.")
    preview: str = Field(default="", description="The beginning of the output, or why it failed.")
    artifact: str | None = Field(default=None, description="Where the whole output is, when it is not in the log.")
    requests: dict[str, str] = Field(default_factory=dict, description="Hash of what was asked, by the call's key.")
    attempts: int = Field(default=0, description="How often a call was begun.")
    reused: int = Field(default=0, description="Answers that were taken over from another execution.")
    usage: Usage = Usage()
    seconds: float | None = Field(default=None, description="From its first event to its end.")
    stop_reason: str | None = None
    error: str | None = Field(default=None, description="Code of the failure.")
    edited: bool = Field(default=False, description="It was not run: a fork gave its output.")

    @property
    def is_ended(self) -> bool:
        return self.status not in _UNENDED


class LogSummary(Shape):
    """The steps in the order they began; the sums over all; the time from the first event to the last.

    `reused`: what the answers had used that were taken over from another execution.
    """

    steps: dict[str, StepSummary]
    usage: Usage
    reused: Usage = Usage()
    seconds: float


class LogReader:
    """Takes in a log page by page and keeps no event of it but the outputs that a fork gave."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._given: dict[str, Event] = {}
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._ended = False
        self._reused = Usage()

    def read(self, events: Iterable[Event]) -> None:
        """The next events, in the order of their offsets."""
        for event in events:
            self._first = self._first or event.time
            self._last = event.time
            if used := event.data.get("used_then"):
                self._reused += Usage.model_validate(used)
            self._ended = self._ended or event.type in TERMINAL
            if event.step is not None:
                self._read(event.step, event)

    def _read(self, path: str, event: Event) -> None:
        if event.id == given_id(path):
            self._given[path] = event
        if event.type in _TELLS_OF_STEP or "call" in event.data:
            self._steps.setdefault(path, _Step(path, event.time))
        if path in self._steps:
            self._steps[path].read(event)
        if event.data.get("edited") and path in self._given:
            self._steps[path].output(self._given[path])
            self._steps[path].known["edited"] = True

    def summary(self) -> LogSummary:
        steps = {path: step.summary(self._ended) for path, step in self._steps.items()}
        usage = sum((step.usage for step in steps.values()), Usage())
        return LogSummary(
            steps=steps, usage=usage, reused=self._reused, seconds=_seconds(self._first, self._last) or 0.0
        )


@dataclass
class _Step:
    """`is_told`: its log has events of the step itself, and not of calls and questions alone as a turn's has."""

    path: str
    began: datetime
    ended: datetime | None = None
    is_told: bool = False
    waits_for_time: bool = False
    known: dict[str, Any] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    attempts: int = 0
    reused: int = 0
    usage: Usage = field(default_factory=Usage)

    def read(self, event: Event) -> None:
        if event.agent is not None:
            self.known["agent"] = event.agent
        if reason := event.data.get("stop_reason"):
            self.known["stop_reason"] = reason
        if event.type in _PROGRESS:
            self._progress(event)
        elif event.type is EventType.STEP_WAITING:
            self.waits_for_time = event.data.get("for") == "time"
            self._at("waiting")
        elif "call" in event.data:
            self._call(event)
        elif event.type is EventType.APPROVAL_REQUESTED:
            self._at("waiting")
        elif event.type is EventType.APPROVAL_DECIDED:
            self._decided(event)

    def _at(self, status: Progress, ended: datetime | None = None) -> None:
        self.known["status"], self.ended = status, ended

    def _go_on(self) -> None:
        """A call may end when its step has already been canceled: that stays so."""
        if self.known.get("status") == "waiting":
            self._at("running")

    def _progress(self, event: Event) -> None:
        self.is_told = True
        status = _PROGRESS[event.type]
        self._at(status, None if status in _UNENDED else event.time)
        if kind := event.data.get("kind"):
            self.known["kind"] = kind
        if event.type is EventType.STEP_FAILED:
            self._failed(event)
        elif event.type is EventType.STEP_COMPLETED:
            self.known["error"] = None  # it may have failed before, and been tried again
            # What a wait gives is the time, which is never the same. Of a step that gave its output in no call of its
            # own, the log has the beginning only, or what there is to say of it.
            if self.known.get("output") is None and not self.waits_for_time:
                self.output(event, event.data.get("output") or "")

    def _call(self, event: Event) -> None:
        data = event.data
        if request := data.get("request"):
            self.requests[data["call"]] = request
        self.usage += used(data) or Usage()
        self.attempts += event.type is EventType.CALL_STARTED
        self.reused += "reused_from" in data
        failed = event.type is EventType.CALL_FAILED and "retry_in" not in data
        if event.type is EventType.CALL_COMPLETED:
            self.output(event)
        elif failed:
            self._failed(event)
        if self.is_told:
            self._go_on()
        elif event.type is EventType.CALL_COMPLETED:
            self._at("completed", event.time)
        else:
            self._at("failed" if failed else "running", event.time if failed else None)

    def _decided(self, event: Event) -> None:
        """What a human said: the output of a question; of a step that failed, what becomes of it."""
        data = event.data
        if self.known.get("error") is None:
            self.output(event.model_copy(update={"value": None}), {name: data.get(name) for name in _DECISION})
            if self.is_told:
                self._go_on()
            else:
                self._at("completed", event.time)
        elif data.get("decision") == "retry":
            self._at("running")
        else:
            self._at("failed", event.time)

    def output(self, event: Event, instead: Json = None) -> None:
        """The event's payload; `instead` of none."""
        value = instead if event.value is None else event.value
        self.known["output"] = event.artifact or content_hash(value)
        self.known["artifact"] = event.artifact
        self.known["preview"] = "" if event.artifact else as_text(value)[:PREVIEW_CHARACTERS]

    def _failed(self, event: Event) -> None:
        error = event.data.get("error") or {}
        self.known |= {"error": error.get("code"), "preview": str(error.get("message", ""))[:PREVIEW_CHARACTERS]}
        self.known |= {"output": None, "artifact": None}

    def summary(self, execution_ended: bool) -> StepSummary:
        status = self.known.get("status", "running")
        if execution_ended and status in _UNENDED:
            status = "canceled"  # what was under way has nobody left to end it
        return StepSummary(
            **{"kind": self._kind(), **self.known, "status": status},
            path=self.path,
            requests=self.requests,
            attempts=self.attempts,
            reused=self.reused,
            usage=self.usage,
            seconds=_seconds(self.began, self.ended),
        )

    def _kind(self) -> str:
        """Of what has no `step.started`: it stands beside the steps, such as `debate/turn[3]/chair`."""
        return "turn" if _TURN.search(self.path) else self.path.rpartition("/")[2].partition("[")[0]


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    """Never below zero: orchestrators and activities may look at different clocks."""
    return None if begin is None or end is None else round(max(0.0, (end - begin).total_seconds()), 3)
