"""What the API answers when two executions are compared."""

from __future__ import annotations

from pydantic import Field

from meta_agents.results import Json, Result, Usage


class Change(Result):
    """One difference between two values. `pointer` (RFC 6901) leads to it; `kind`: added, removed or changed."""

    pointer: str
    kind: str
    left: Json = None
    right: Json = None


class Changes(Result):
    items: tuple[Change, ...] = ()
    left_out: int = 0
    """More differences that are not listed."""


class DiffSide(Result):
    """One of the two executions. `usage` and `seconds` are those of its log, also while it goes on."""

    id: str
    workflow: str
    status: str
    workflow_version: int | None = None
    stop_reason: str | None = None
    error: str | None = None
    usage: Usage = Usage()
    reused: Usage = Usage()
    """What the answers had used that it took over from another execution: what was saved."""
    seconds: float = 0.0


class StepSummary(Result):
    """How one step went. What steps inside it did is counted with those."""

    path: str
    kind: str
    status: str
    agent: str | None = None
    output: str | None = None
    """Hash of the output: two that are equal have had the same one."""
    preview: str = ""
    artifact: str | None = None
    requests: dict[str, str] = Field(default_factory=dict)
    attempts: int = 0
    reused: int = 0
    usage: Usage = Usage()
    seconds: float | None = None
    stop_reason: str | None = None
    error: str | None = None
    edited: bool = False
    """It was not run: a fork gave its output."""


class DiffRow(Result):
    """One step on both sides. `alignment`: same, changed, only_left or only_right.

    `differs` names in what, `first` says `request` or `output` where it is the first in which they part.
    """

    path: str
    alignment: str
    differs: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    left: StepSummary | None = None
    right: StepSummary | None = None


class Divergence(Result):
    """Paths of the first step with another request or definition, and of the first with another output."""

    request: str | None = None
    output: str | None = None


class Diff(Result):
    """Two executions side by side, in the order of the left one."""

    left: DiffSide
    right: DiffSide
    rows: tuple[DiffRow, ...]
    input: Changes = Changes()
    output: Changes = Changes()
    definitions: Changes = Changes()
    first: Divergence = Divergence()
    counts: dict[str, int] = Field(default_factory=dict)
    left_out: int = 0
    """Rows that are not listed."""
