"""Two executions side by side: their steps aligned by path, and where they part for the first time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from domain.base import Shape
from domain.changes import Changes, changes
from domain.executions import Execution, Status
from domain.paths import ancestors
from domain.pinned import Pinned
from domain.plans import Plan
from domain.summaries import LogSummary, StepSummary
from domain.usage import Usage

Alignment = Literal["same", "changed", "only_left", "only_right"]
Aspect = Literal["definition", "request", "speaker", "output", "status", "stop_reason"]
First = Literal["request", "output"]
_CAUSES = ("definition", "request")
_EFFECTS = ("output", "status")


@dataclass(frozen=True)
class Subject:
    """One of the two: its record, its pinned definitions, and what its log says so far."""

    record: Execution
    plan: Plan
    log: LogSummary


class Side(Shape):
    """One of the two as a whole. `usage` and `seconds` are those of its log, also while it goes on."""

    id: str
    workflow: str
    workflow_version: int | None
    status: Status
    stop_reason: str | None
    error: str | None = Field(default=None, description="Code of the failure.")
    usage: Usage
    reused: Usage = Field(default=Usage(), description="What the answers had used that it took from another execution.")
    seconds: float


class Row(Shape):
    """One step on both sides. What happens inside a step stands in rows of its own, so costs add up."""

    path: str
    alignment: Alignment
    differs: tuple[Aspect, ...] = Field(default=(), description="In what the two differ.")
    first: tuple[First, ...] = Field(default=(), description="It is the first whose request, or whose output, differs.")
    left: StepSummary | None = None
    right: StepSummary | None = None


class Divergence(Shape):
    """Paths of the first steps that differ, in the left one's order; None: none does.

    `request`: where something else was asked, or another definition was at work: a cause. `output`: where something
    else came out, or it ended in another way; a step around others counts only when none of those does.
    """

    request: str | None = None
    output: str | None = None


class Diff(Shape):
    """What differs between two executions. `definitions` are the plans': workflow, agents and all else it pins."""

    left: Side
    right: Side
    input: Changes
    output: Changes
    definitions: Changes
    first: Divergence
    counts: dict[Alignment, int]
    rows: tuple[Row, ...]
    left_out: int = Field(default=0, description="Rows that are not shown.")


def diff(left: Subject, right: Subject) -> Diff:
    """The whole comparison, of executions that may still go on."""
    pinned = Pinned(left.plan), Pinned(right.plan)
    rows = [_row(path, left.log, right.log, *pinned) for path in _aligned(left.log.steps, right.log.steps)]
    first = _first(rows, both_ended=left.record.status.is_ended and right.record.status.is_ended)
    counts: dict[Alignment, int] = {"same": 0, "changed": 0, "only_left": 0, "only_right": 0}
    for row in rows:
        counts[row.alignment] += 1
    return Diff(
        left=_side(left),
        right=_side(right),
        input=changes(left.record.input, right.record.input),
        output=changes(left.record.output, right.record.output),
        definitions=changes(pinned[0].definitions, pinned[1].definitions),
        first=first,
        counts=counts,
        rows=tuple(_marked(row, first) for row in rows),
    )


def _side(subject: Subject) -> Side:
    record = subject.record
    return Side(
        id=record.id,
        workflow=record.workflow,
        workflow_version=record.workflow_version,
        status=record.status,
        stop_reason=record.stop_reason,
        error=record.error.code if record.error else None,
        usage=subject.log.usage,
        reused=subject.log.reused,
        seconds=subject.log.seconds,
    )


def _aligned(left: Iterable[str], right: Iterable[str]) -> list[str]:
    """All paths in the left order; one that is only on the right comes after what it follows there."""
    known = dict.fromkeys(left)
    following: defaultdict[str | None, list[str]] = defaultdict(list)
    before = None
    for path in right:
        if path in known:
            before = path
        else:
            following[before].append(path)
    return [*following[None], *(each for path in known for each in (path, *following[path]))]


def _row(path: str, left: LogSummary, right: LogSummary, left_plan: Pinned, right_plan: Pinned) -> Row:
    mine, theirs = left.steps.get(path), right.steps.get(path)
    one = mine or theirs
    agent = one.agent if one else None
    same_definition = left_plan.hash_of(path, agent) == right_plan.hash_of(path, agent)
    differs: tuple[Aspect, ...] = () if same_definition else ("definition",)
    if mine is None or theirs is None:
        alignment: Alignment = "only_right" if mine is None else "only_left"
        return Row(path=path, alignment=alignment, differs=differs, left=mine, right=theirs)
    differs += _differences(mine, theirs)
    return Row(path=path, alignment="changed" if differs else "same", differs=differs, left=mine, right=theirs)


def _differences(left: StepSummary, right: StepSummary) -> tuple[Aspect, ...]:
    common = left.requests.keys() & right.requests.keys()
    ended = left.is_ended and right.is_ended  # what is under way has nothing yet that could differ
    found: dict[Aspect, bool] = {
        "request": any(left.requests[key] != right.requests[key] for key in common),
        "speaker": left.kind == "turn" and left.agent != right.agent,
        "output": ended and left.output != right.output,
        "status": left.status != right.status,
        "stop_reason": ended and left.stop_reason != right.stop_reason,
    }
    return tuple(aspect for aspect, differs in found.items() if differs)


def _first(rows: list[Row], *, both_ended: bool) -> Divergence:
    causes = (row.path for row in rows if any(aspect in _CAUSES for aspect in row.differs))
    effects = [row.path for row in rows if _is_effect(row, both_ended)]
    around = {outer for path in effects for outer in ancestors(path)[:-1]}
    return Divergence(request=next(causes, None), output=next((path for path in effects if path not in around), None))


def _is_effect(row: Row, both_ended: bool) -> bool:
    if row.left is None or row.right is None:
        return both_ended
    ended = row.left.is_ended and row.right.is_ended
    return ended and any(aspect in _EFFECTS for aspect in row.differs)


def _marked(row: Row, first: Divergence) -> Row:
    marks: list[First] = []
    if row.path == first.request:
        marks.append("request")
    if row.path == first.output:
        marks.append("output")
    return row.model_copy(update={"first": tuple(marks)}) if marks else row
