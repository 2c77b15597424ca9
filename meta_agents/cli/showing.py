"""`list` and `get`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Annotated

import typer
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from meta_agents.cli.context import (
    AsJson,
    Thing,
    client_of,
    console,
    definition_kind,
    definitions_in,
    print_json,
    print_text,
    thing,
)
from meta_agents.cli.documents import to_yaml
from meta_agents.cli.exits import BadInput
from meta_agents.cli.tables import table_of
from meta_agents.live.style import clock, duration, one_line, safe
from meta_agents.results import DefinitionSummary, Execution, Json
from meta_agents.synchronous.client import Client


def list_things(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="agents, datasets, prompts, tools, workflows or executions")
    ] = "executions",
    status: Annotated[
        str | None,
        typer.Option(help="Executions: only running, paused, canceling, completed, failed or canceled ones."),
    ] = None,
    workflow: Annotated[str | None, typer.Option(help="Executions: only of this workflow.")] = None,
    variant: Annotated[
        str | None, typer.Option(metavar="PROMPT@VERSION", help="Executions: only with this prompt, chosen by weight.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Print no more than these.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List definitions by name, or executions newest first."""
    which = thing(kind)
    if which is Thing.APPROVALS:
        raise BadInput("Questions to people have a list of their own.", "Say `meta-agents approvals`.")
    if which is not Thing.EXECUTIONS and (status or workflow or variant):
        raise BadInput("--status, --workflow and --variant choose among executions.", "Leave them out.")
    with client_of(context) as client:
        if which is Thing.EXECUTIONS:
            executions = list(islice(client.executions.list(status=status, workflow=workflow, variant=variant), limit))
            rows: list[Execution] | list[DefinitionSummary] = executions
            table = _executions(executions)
        else:
            rows = summaries = list(islice(definitions_in(client, definition_kind(which)).list(), limit))
            table = _definitions(summaries)
    if as_json:
        print_json([row.as_sent() for row in rows])
    else:
        console().print(table)


def get(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="agent, dataset, prompt, tool, workflow, execution, approval", show_default=False
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME|ID", show_default=False)],
    version: Annotated[int | None, typer.Option(min=1, help="Definitions: this version, not the latest.")] = None,
    as_json: AsJson = False,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML, without colours or a heading.")] = False,
) -> None:
    """Show a definition (as YAML that `apply` takes), an execution's record, or a question to people."""
    if as_json and as_yaml:
        raise BadInput("--json and --yaml exclude each other.", "Leave one out.")
    which = thing(kind)
    if which in (Thing.EXECUTIONS, Thing.APPROVALS) and version is not None:
        raise BadInput("--version chooses among a definition's versions.", "Leave it out.")
    with client_of(context) as client:
        heading, answer, body = _fetch(client, which, name, version)
    if as_json:
        print_json(answer)
    elif as_yaml:
        print_text(to_yaml(body))
    else:
        text = safe(f"# {one_line(heading)}\n{to_yaml(body)}")
        out = console()
        styled = Syntax(text.rstrip(), "yaml", background_color="default", word_wrap=True)
        out.print(styled if out.is_terminal else Text(text.rstrip()), soft_wrap=not out.is_terminal)


def _fetch(client: Client, which: Thing, name: str, version: int | None) -> tuple[str, Json, Json]:
    """A heading, the server's answer, and the part of it that is the thing itself."""
    if which is Thing.EXECUTIONS:
        record = client.executions.get(name).as_sent()
        return f"execution {name}", record, record
    if which is Thing.APPROVALS:
        question = client.approvals.get(name).as_sent()
        return f"approval {name}", question, question
    stored = definitions_in(client, definition_kind(which)).get(name, version)
    updated = f", updated {clock(stored.updated)}" if stored.updated else ""
    return f"{which.value[:-1]} {name}, version {stored.version}{updated}", stored.as_sent(), stored.definition


def _definitions(rows: Iterable[DefinitionSummary]) -> Table:
    table = table_of("NAME", "VERSION", "UPDATED", "DESCRIPTION")
    for row in rows:
        table.add_row(row.name, str(row.version), clock(row.updated), row.description)
    return table


def _executions(rows: Iterable[Execution]) -> Table:
    table = table_of("ID", "STATUS", "WORKFLOW", "CREATED", "TOOK", "CALLS", "COST")
    for row in rows:
        took = duration(row.ended - row.created) if row.ended and row.created else ""
        # A record has its sums when it has ended: until then they are not nothing, but not there.
        cost = "" if row.usage.cost_usd is None or not row.is_ended else f"${row.usage.cost_usd:.4f}"
        version = "" if row.workflow_version is None else f"@{row.workflow_version}"
        calls = str(row.usage.model_calls) if row.is_ended else ""
        workflow = row.workflow + version
        status = f"{row.status} (budget)" if row.paused_for else row.status
        table.add_row(row.id, status, workflow, clock(row.created), took, calls, cost)
    return table
