"""What an execution of the demo came to, counted from its log: as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from meta_agents.live.style import safe, shown
from meta_agents.results import Event, Execution, Json


@dataclass(frozen=True)
class Calls:
    """How often model calls were begun in vain."""

    repeated: int = 0
    """Calls made again, or recorded twice, after they were completed: paid for twice."""
    resumed: int = 0
    """Attempts that a crash interrupted, so that another had to follow. A failed attempt is not one of them."""


def count_calls(events: Iterable[Event]) -> Calls:
    """Count over an execution's log, in its order."""
    completed: set[str] = set()
    repeated: set[str] = set()
    under_way: set[str] = set()
    resumed = 0
    for event in events:
        call = str(event.data.get("call"))
        if event.type in {"call.started", "call.completed"} and call in completed:
            repeated.add(call)
        if event.type == "call.started":
            resumed += call in under_way and call not in completed
            under_way.add(call)
        elif event.type in {"call.completed", "call.failed"}:
            under_way.discard(call)
            completed.update([call] if event.type == "call.completed" else [])
    return Calls(len(repeated), resumed)


class Outcome(BaseModel):
    """One execution of the demo, as it stands in the JSON file. `seconds` run from its acceptance to its end."""

    workflow: str
    status: str
    stop_reason: str | None
    turns: int
    model_calls: int
    repeated_calls: int
    tokens_in: int
    tokens_out: int
    seconds: float
    resumed: int
    output: Json

    @classmethod
    def of(cls, execution: Execution, events: Iterable[Event]) -> Outcome:
        """From the record of an execution that has ended, and its whole log."""
        calls = count_calls(events)
        ended, created = execution.ended, execution.created
        took = ended - created if ended and created else timedelta()
        return cls(
            workflow=execution.workflow,
            status=execution.status,
            stop_reason=execution.stop_reason,
            turns=execution.turns,
            model_calls=execution.usage.model_calls,
            repeated_calls=calls.repeated,
            tokens_in=execution.usage.tokens_in,
            tokens_out=execution.usage.tokens_out,
            seconds=round(took.total_seconds(), 1),
            resumed=calls.resumed,
            output=execution.output,
        )

    @property
    def completed(self) -> bool:
        return self.status == "completed"

    @property
    def first_line(self) -> str:
        """Of the result."""
        text = "" if self.output is None else shown(self.output)
        return next((line.strip() for line in text.splitlines() if line.strip()), "(no result)")


def as_json(model: str, outcomes: Sequence[Outcome]) -> str:
    document = {"model": model, "executions": [outcome.model_dump(mode="json") for outcome in outcomes]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_json(path: Path, model: str, outcomes: Sequence[Outcome]) -> None:
    path.write_text(as_json(model, outcomes), encoding="utf-8")


def report(outcomes: Sequence[Outcome]) -> RenderableType:
    """The numbers as a table of at most 80 columns, and below it how each result begins."""
    return Group(_table(outcomes), Text(), *map(_result, outcomes))


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for heading in ("workflow", "status", "stop\nreason"):
        table.add_column(heading, no_wrap=True)
    for heading in ("turns", "model\ncalls", "made\ntwice", "re-\nsumed", "tokens\nin", "tokens\nout", "sec-\nonds"):
        table.add_column(heading, no_wrap=True, justify="right")
    for outcome in outcomes:
        table.add_row(
            safe(outcome.workflow),
            Text(safe(outcome.status), "green" if outcome.completed else "bold red"),
            safe(outcome.stop_reason or "-"),
            str(outcome.turns),
            str(outcome.model_calls),
            Text(str(outcome.repeated_calls), "bold red" if outcome.repeated_calls else "green"),
            str(outcome.resumed),
            f"{outcome.tokens_in:,}",
            f"{outcome.tokens_out:,}",
            f"{outcome.seconds:.1f}",
        )
    return table


def _result(outcome: Outcome) -> Text:
    return Text.assemble((f"{safe(outcome.workflow)}  ", "bold"), outcome.first_line, no_wrap=True, overflow="ellipsis")
