"""Where something stands in a trace, as data that travels: W3C trace context, and the spans that are known by name.

A span's id follows from its parent's and from what it is of. So a replay, or an activity that is delivered twice, names
the same span, and a child may be sent days before its parent ends. No clock, no chance.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from pydantic import Field

from domain.base import Shape
from domain.values import Json

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_SPAN = "0" * 16
_NO_TRACE = "0" * 32


class Trace(Shape):
    """`parent` is a `traceparent`: the trace, the span that all here is in (zeros: none), whether it is sampled."""

    parent: str
    workflow: str = ""

    @property
    def around(self) -> str | None:
        """Id of the span that all here is in."""
        span = self.parent.split("-")[2]
        return None if span == _NO_SPAN else span

    @property
    def id(self) -> str:
        return self.parent.split("-")[1]

    def child(self, *of: object) -> str:
        """Id of the span in here that is of this."""
        text = "\0".join([self.parent[:-3], *map(str, of)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def within(self, span: str) -> Trace:
        """What is in this span."""
        version, trace, _, flags = self.parent.split("-")
        return self.model_copy(update={"parent": f"{version}-{trace}-{span}-{flags}"})

    def begun(self, span: str, kind: str, began: datetime, **more: object) -> Spanned:
        """The span in here, so far."""
        return Spanned.model_validate({**vars(self), "span": span, "kind": kind, "began": began, **more})


class Resumed(Shape):
    """What a span goes on from after a wait, or a try that failed: the span that was the last before it."""

    span: str
    reason: str
    began: datetime | None = Field(default=None, description="Of one that a crash has cut off: it has no end.")


class Spanned(Trace):
    """A span as the event that ends it has it. `kind` is that of a step, or `chat`, `execute_tool`, `invoke_agent`…"""

    span: str
    kind: str
    began: datetime
    name: str = Field(default="", description="Of the agent or tool.")
    turn: Spanned | None = Field(default=None, description="The agent's turn, which ends with this call.")
    resumed: Resumed | None = None
    hit: str = Field(default="", description="Nothing was called: the answer is of another execution, or was kept.")

    @property
    def inside(self) -> Trace:
        """What is in this span."""
        return Trace(parent=self.parent, workflow=self.workflow).within(self.span)

    def as_data(self) -> dict[str, Json]:
        """As events carry it under `trace`."""
        return self.model_dump(mode="json", exclude_defaults=True)


def continued(traceparent: str | None, workflow: str) -> Trace | None:
    """What a caller's `traceparent` says; None when it is none that can be gone on with."""
    found = _TRACEPARENT.fullmatch((traceparent or "").strip())
    if found is None or found[1] == "ff" or found[2] == _NO_TRACE or found[3] == _NO_SPAN:
        return None
    return Trace(parent=f"00-{found[2]}-{found[3]}-{found[4]}", workflow=workflow)


def derived(execution: str, workflow: str = "") -> Trace:
    """Of an execution that nobody's trace led to: its id is a trace's as well."""
    return Trace(parent=f"00-{execution}-{_NO_SPAN}-01", workflow=workflow)


def root_of(trace: Trace, execution: str) -> Trace:
    """What is in the span of the execution itself."""
    return trace.within(trace.child("execution", execution))
