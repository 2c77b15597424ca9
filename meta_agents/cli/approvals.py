"""`approvals`, `approve`, `reject` and `decide`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from meta_agents.cli.context import AsJson, client_of, console, print_json, say
from meta_agents.cli.tables import table_of
from meta_agents.live.control_lines import asks
from meta_agents.live.style import DIM, left, one_line, safe
from meta_agents.live.waits import Question, answers
from meta_agents.results import Approval

Id = Annotated[str, typer.Argument(metavar="ID", help="A question's id.", show_default=False)]
Comment = Annotated[str, typer.Option(metavar="TEXT", help="Kept beside the decision.")]
PENDING = "pending"
_WIDE = 120
"""Columns from which on a table says more than ids."""


def approvals(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are settled as well.")] = False,
    execution: Annotated[str | None, typer.Option(metavar="ID", help="Only of this execution.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Print no more than these.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the questions that wait for people, those of the latest executions first."""
    with client_of(context) as client:
        state = None if everything else PENDING
        rows = list(islice(client.approvals.list(state=state, execution=execution), limit))
    if as_json:
        print_json([row.as_sent() for row in rows])
        return
    out, now = console(), datetime.now(UTC)
    if out.width >= _WIDE or not rows:
        out.print(_table(rows, now, everything))
        return
    for row in rows:
        out.print(_lines(row, now), soft_wrap=True)


def approve(context: typer.Context, approval: Id, comment: Comment = "", as_json: AsJson = False) -> None:
    """Say yes to a question."""
    decide(context, approval, "approve", comment, as_json)


def reject(context: typer.Context, approval: Id, comment: Comment = "", as_json: AsJson = False) -> None:
    """Say no to a question."""
    decide(context, approval, "reject", comment, as_json)


def decide(
    context: typer.Context,
    approval: Id,
    decision: Annotated[
        str,
        typer.Argument(
            metavar="OPTION",
            help="One of its options: approve, reject; retry, skip, fail; say (the words are the comment), pass; "
            "carried_out (the comment is what the tool gave), call_again.",
            show_default=False,
        ),
    ],
    comment: Comment = "",
    as_json: AsJson = False,
) -> None:
    """Decide a question. The first decision stands."""
    with client_of(context) as client:
        settled = client.approvals.decide(approval, decision, comment=comment)
    if as_json:
        print_json(settled.as_sent())
    else:
        say(f"{settled.id}  {_outcome(settled)}")


def _table(rows: Iterable[Approval], now: datetime, with_state: bool) -> Table:
    table = table_of("ID", "ASKED", "ROLES", "DEADLINE", "OTHERWISE", "STEP", *(["STATE"] if with_state else []))
    for row in rows:
        deadline = left(row.deadline, now) if row.deadline is not None and row.state == PENDING else ""
        otherwise = (row.otherwise or "") if row.deadline is not None else ""
        cells = [row.id, one_line(row.ask), ", ".join(row.roles), deadline, otherwise, f"{row.workflow} {row.step}"]
        table.add_row(*map(safe, [*cells, *([_outcome(row)] if with_state else [])]))
    return table


def _lines(row: Approval, now: datetime) -> Text:
    """A question where a row of the table has no room: with the commands that answer it, or what became of it."""
    asked = Question(row.id, f"{row.workflow} {row.step}", row.ask, row.options, row.roles, row.deadline, row.otherwise)
    text = asks(asked)
    if row.state != PENDING:
        return text.append(f"\n    {row.id}  {_outcome(row)}", DIM)
    if row.deadline is not None:
        text.append(f"\n    else {row.otherwise or ''} {left(row.deadline, now)}", DIM)
    for command in answers(row.id, row.options):
        text.append(f"\n    {command}")
    return text


def _outcome(approval: Approval) -> str:
    match approval.state:
        case "decided":
            comment = f": {one_line(approval.comment)}" if approval.comment else ""
            return f"{approval.decision}, by {approval.by}{comment}"
        case "expired":
            return f"expired, so {approval.decision}"
        case other:
            return other
