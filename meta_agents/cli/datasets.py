"""`dataset` and what follows it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from meta_agents.cli.cases import read_dataset
from meta_agents.cli.context import client_of
from meta_agents.cli.exits import BadInput
from meta_agents.errors import ApiError
from meta_agents.live.style import safe

app = typer.Typer(help="Cases to evaluate on.", no_args_is_help=True)


@app.command("import")
def import_one(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Cases as YAML, JSON, JSON Lines or CSV.", show_default=False)
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What it is called; unless told otherwise as the file.")
    ] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is about, in a line.")] = None,
) -> None:
    """Keep the cases of a file as the next version of a data set; the same cases again make none."""
    dataset = read_dataset(file)
    called = name or dataset.get("name") or file.stem.lower().replace("_", "-").replace(" ", "-")
    said = {} if description is None else {"description": description}
    with client_of(context) as client:
        try:
            stored = client.datasets.put({**dataset, **said, "name": called})
        except ApiError as error:
            if not error.details:
                raise
            places = tuple(f"{file}{detail.pointer}: {detail.message}" for detail in error.details)
            raise BadInput(error.message, error.action, places) from error
    number = len(stored.definition.get("cases", ()))
    typer.echo(safe(f"dataset  {called}  version {stored.version}  {number} {'case' if number == 1 else 'cases'}"))
