"""`usage`: what executions have used, as a table, JSON or CSV."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import typer

from meta_agents.cli.context import AsJson, client_of, console, print_json, print_text
from meta_agents.cli.exits import BadInput
from meta_agents.cli.tables import table_of
from meta_agents.results import UsageItem, UsageReport

_COLUMNS = ("executions", "model_calls", "tool_calls", "failures", "tokens_in", "tokens_out", "cost_usd", "seconds")
_OF = ("day", "tenant", "workflow", "step", "agent", "model", "tool")


def usage(
    context: typer.Context,
    execution: Annotated[
        str | None, typer.Argument(metavar="ID", help="Only this execution, by step.", show_default=False)
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT,…",
            help="day, tenant, workflow, agent, model, tool; of one execution step, agent, model, tool.",
            show_default=False,
        ),
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day; 30 days ago.", show_default=False),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included; today.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values, with every figure.")] = False,
) -> None:
    """What was used: calls, tokens, dollars and seconds, summed up by day, workflow, agent, model or tool."""
    if as_json and as_csv:
        raise BadInput("--json and --csv exclude each other.", "Leave one out.")
    if execution is not None and (first or last):
        raise BadInput("--from and --to are for all executions.", "Leave them out.")
    parts = [part.strip() for part in by.split(",")] if by else None
    with client_of(context) as client:
        if execution is None:
            days = {"first": first.date() if first else None, "last": last.date() if last else None}
            report = client.usage(by=parts or ("day",), **days)
        else:
            report = client.executions.usage(execution, by=parts or ("step", "agent", "model"))
    if as_json:
        print_json(report.as_sent())
    elif as_csv:
        print_text(_csv(report))
    else:
        _table(report)


def _table(report: UsageReport) -> None:
    table = table_of(*(name.upper() for name in report.by), *(_heading(name) for name in _COLUMNS))
    for item in report.items:
        named = [str(getattr(item, name) or "-") for name in report.by]
        table.add_row(*named, *_cells(item))
    table.add_row(*(["total", *[""] * (len(report.by) - 1)] if report.by else []), *_cells(report.total))
    console().print(table)


def _heading(name: str) -> str:
    return name.removesuffix("_usd").replace("_", " ").upper()


def _cells(item: UsageItem) -> list[str]:
    return [_cell(name, getattr(item, name), item) for name in _COLUMNS]


def _cell(name: str, value: int | Decimal, item: UsageItem) -> str:
    if name != "cost_usd":
        return f"{value:,.1f}" if isinstance(value, Decimal) else f"{value:,}"
    # What is not known is missing in the sum.
    return f"${value:,.4f}{'+?' if item.unpriced else ''}"


def _csv(report: UsageReport) -> str:
    figures = [name for name in UsageItem.model_fields if name not in _OF]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*report.by, *figures])
    for item in report.items:
        writer.writerow([_spelled(getattr(item, name)) for name in (*report.by, *figures)])
    return text.getvalue()


def _spelled(value: object) -> str:
    """Decimals in full; and nothing that a spreadsheet would take for a formula."""
    text = "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) and not isinstance(value, int | Decimal) else text
