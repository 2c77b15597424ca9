"""`dataset` and what follows it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from meta_agents.cli.cases import read_dataset
from meta_agents.cli.context import client_of, say
from meta_agents.cli.exits import BadInput
from meta_agents.errors import ApiError
from meta_agents.live.style import counted
from meta_agents.results import Json
from meta_agents.synchronous.client import Client

app = typer.Typer(help="Cases to evaluate on.", no_args_is_help=True)


@app.command()
def collect(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the data set is called.", show_default=False)],
    workflow: Annotated[str, typer.Option(metavar="NAME", help="Past executions of this workflow.")],
    last: Annotated[int, typer.Option(min=1, max=1_000, help="So many, the latest that were completed.")] = 20,
    expected: Annotated[
        bool, typer.Option("--expect-outputs", help="What came of each is what is expected from now on.")
    ] = False,
    add: Annotated[bool, typer.Option("--add", help="Add to the cases that the data set has.")] = False,
) -> None:
    """Keep the inputs of past executions as the cases of a data set; each is known by its execution's id."""
    with client_of(context) as client:
        before = _known(client, name) if add else {}
        cases: list[dict[str, Json]] = list(before.get("cases", ()))
        taken = {case.get("id") for case in cases}
        found = islice(client.executions.list(workflow=workflow, status="completed"), last)
        for id in [execution.id for execution in found if execution.id not in taken]:
            execution = client.executions.get(id)
            said = {"expected": execution.output} if expected else {}
            cases.append({"id": id, "input": execution.input, **said})
        if not cases:
            raise BadInput(f"No execution of {workflow!r} was completed.", "Look with `meta-agents list executions`.")
        stored = client.datasets.put({**before, "name": name, "cases": cases})
    say(f"dataset  {name}  version {stored.version}  {counted(len(cases), 'case')}")


def _known(client: Client, name: str) -> dict[str, Json]:
    """The data set as it is; nothing when there is none of that name."""
    try:
        return client.datasets.get(name).definition
    except ApiError as error:
        if error.status != 404:
            raise
        return {}


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
    number = counted(len(stored.definition.get("cases", ())), "case")
    say(f"dataset  {called}  version {stored.version}  {number}")
