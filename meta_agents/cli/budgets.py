"""`budget`: raise that of an execution."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from meta_agents.cli.context import client_of, console, print_json
from meta_agents.cli.executing import AsJson, Id
from meta_agents.errors import InvalidArgument
from meta_agents.live.style import safe

app = typer.Typer(no_args_is_help=True, help="Caps on money, tokens and model calls.")

Dollars = Annotated[str | None, typer.Option("--cost-usd", metavar="DOLLARS", help="US dollars in all.")]
Tokens = Annotated[int | None, typer.Option("--tokens", min=1, help="Tokens in all, in and out.")]
Calls = Annotated[int | None, typer.Option("--model-calls", min=1, help="Model calls in all.")]


@app.command("raise")
def raise_one(
    context: typer.Context,
    execution: Id,
    path: Annotated[
        str, typer.Argument(metavar="[PATH]", help="Of the step with the budget; left out: the execution's own limits.")
    ] = "",
    cost_usd: Dollars = None,
    tokens: Tokens = None,
    model_calls: Calls = None,
    resume: Annotated[bool, typer.Option(help="Go on, if a budget has paused the execution.")] = True,
    as_json: AsJson = False,
) -> None:
    """Raise a budget of an execution to new caps; one that it had paused goes on."""
    if cost_usd is None and tokens is None and model_calls is None:
        raise InvalidArgument("Nothing is raised.", "Give --cost-usd, --tokens or --model-calls.")
    caps = {"tokens": tokens, "model_calls": model_calls}
    with client_of(context) as client:
        record = client.executions.raise_budget(execution, path, cost_usd=cost_usd, resume=resume, **caps)
    if as_json:
        print_json(record.as_sent())
        return
    typer.echo(f"{safe(record.id)}  {safe(record.status)}")
    hint = f"To go on: meta-agents resume {record.id}" if record.status == "paused" else None
    console(error=True).print(Text(hint or f"Watch it: meta-agents watch {record.id}"), soft_wrap=True)
