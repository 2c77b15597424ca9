"""`run`, `watch` and `retry`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from meta_agents.cli.context import AsJson, client_of, console, print_json, say
from meta_agents.cli.inputs import read_definition, read_input
from meta_agents.cli.watching import conclude, watch_as_json, watch_live, watch_silently
from meta_agents.results import Execution, Json
from meta_agents.synchronous.client import Client

Id = Annotated[str, typer.Argument(metavar="ID", help="An execution's id.", show_default=False)]
Detach = Annotated[bool, typer.Option("--detach", help="Print the id and return; do not wait.")]
Input = Annotated[
    str | None, typer.Option("--input", metavar="JSON|@FILE|-", help="The input; - reads standard input.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE|KEY=@FILE", help="One value of the input; may be repeated."),
]
IdempotencyKey = Annotated[
    str | None, typer.Option(metavar="KEY", help="The same key and request again is the same execution, or event.")
]


def run(
    context: typer.Context,
    workflow: Annotated[
        str,
        typer.Argument(
            metavar="WORKFLOW",
            help="A workflow's name, name@version, or @FILE with a definition to execute without keeping it.",
            show_default=False,
        ),
    ],
    given: Input = None,
    settings: Settings = None,
    detach: Detach = False,
    idempotency_key: IdempotencyKey = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="What the server calls when the execution has ended.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Execute a workflow, show it live, and print its output."""
    target: str | Mapping[str, Json] = read_definition(Path(workflow[1:])) if workflow.startswith("@") else workflow
    value = read_input(given, settings or ())
    with client_of(context) as client:
        execution = client.executions.start(target, value, idempotency_key=idempotency_key, webhook=webhook)
        see_through(client, execution, detach=detach, as_json=as_json)


def watch(
    context: typer.Context,
    execution: Id,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON event per line.")] = False,
) -> None:
    """Show an execution from its beginning to its end, live while it lasts."""
    with client_of(context) as client:
        # Asked first so that a wrong id or address is said at once; following is patient.
        client.executions.get(execution)
        if as_json:
            raise typer.Exit(conclude(watch_as_json(client, execution), console(error=True)))
        out = console()
        raise typer.Exit(conclude(watch_live(client, execution, out), out))


def retry(
    context: typer.Context,
    execution: Id,
    idempotency_key: IdempotencyKey = None,
    detach: Detach = False,
    as_json: AsJson = False,
) -> None:
    """Execute a failed or canceled one again, from what it had finished; a new id."""
    with client_of(context) as client:
        again = client.executions.retry(execution, idempotency_key=idempotency_key)
        see_through(client, again, detach=detach, as_json=as_json)


def see_through(client: Client, execution: Execution, *, detach: bool, as_json: bool) -> None:
    """Print the id or record at once, or watch to the end and print what came of it."""
    if detach:
        if as_json:
            print_json(execution.as_sent())
        else:
            say(execution.id)
        return
    progress = console(error=True)
    if as_json:
        ended = watch_silently(client, execution.id, progress)
        print_json(ended.as_sent())
        raise typer.Exit(conclude(ended, progress))
    progress.print(Text(f"execution {execution.id}"), soft_wrap=True)
    ended = watch_live(client, execution.id, progress)
    raise typer.Exit(conclude(ended, progress, print_output=True))
