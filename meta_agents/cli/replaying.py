"""`replay`: an execution once more from its log, and whether the same came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from meta_agents.cli.bundling import read_bundle
from meta_agents.cli.context import client_of, console, print_json
from meta_agents.cli.executing import IdempotencyKey, Input, Settings
from meta_agents.cli.exits import BadInput, ExitCode
from meta_agents.cli.forking import Agents, OtherWorkflow, Outputs, changed_by, other_definitions, with_places
from meta_agents.cli.inputs import read_input, read_outputs, read_settings, with_settings
from meta_agents.cli.watching import watch_silently
from meta_agents.diffs import Diff
from meta_agents.live.style import counted
from meta_agents.results import Execution
from meta_agents.synchronous.client import Client

NOT_RECORDED = "not_recorded"


def replay(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(metavar="ID|FILE", help="An execution's id, or what `export` wrote of one.", show_default=False),
    ],
    given: Input = None,
    settings: Settings = None,
    outputs: Outputs = None,
    agents: Agents = None,
    workflow: OtherWorkflow = None,
    live: Annotated[
        bool, typer.Option("--live", help="Call models and tools from where it differs; else nothing is called.")
    ] = False,
    idempotency_key: IdempotencyKey = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print whether it is the same, and the comparison, as one JSON document.")
    ] = False,
) -> None:
    """Run an execution once more from its log, and say whether the same came of it: exit code 1 if not."""
    value = None if given is None else read_input(given, settings or ())
    changes = read_settings(settings or ()) if given is None else {}
    new_outputs = read_outputs(outputs or ())
    files = other_definitions(agents, workflow)
    with client_of(context) as client:
        parent = _imported(client, Path(what)) if _is_file(what) else client.executions.get(what)
        if changes:
            value = with_settings(parent.input, changes)
        with with_places(files):
            made = client.executions.replay(
                parent.id,
                live=live,
                input=value,
                outputs=new_outputs or None,
                **changed_by(files),
                idempotency_key=idempotency_key,
            )
        ended = watch_silently(client, made.id, console(error=True))
        compared = client.executions.diff(parent.id, made.id)
    same = _is_same(parent, ended, compared)
    if as_json:
        print_json({"id": ended.id, "same": same, "diff": compared.as_sent()})
    else:
        for line in _told(parent, ended, compared):
            console().print(line, soft_wrap=True)
    raise typer.Exit(ExitCode.COMPLETED if same else ExitCode.EXECUTION_FAILED)


def _is_file(what: str) -> bool:
    """Raises `BadInput` for the name of a file that is not there: an id has no dots or slashes."""
    if Path(what).is_file():
        return True
    if any(mark in what for mark in "./"):
        raise BadInput(f"There is no file {what}.", "Name what `export` wrote, or say an execution's id.")
    return False


def _imported(client: Client, file: Path) -> Execution:
    record = client.executions.import_bundle(read_bundle(file))
    console(error=True).print(f"imported as {record.id}", soft_wrap=True)
    return record


def _is_same(parent: Execution, ended: Execution, compared: Diff) -> bool:
    """The same end and output, and nothing was missing on the way, whatever was made of that."""
    code = parent.error.code if parent.error else None
    ended_code = ended.error.code if ended.error else None
    missing = any(row.right and row.right.error == NOT_RECORDED for row in compared.rows)
    output = compared.output.items or compared.output.left_out
    return (parent.status, code) == (ended.status, ended_code) and not output and not missing


def _told(parent: Execution, ended: Execution, compared: Diff) -> Iterator[Text]:
    yield Text(f"replay {ended.id} of {parent.id}: {ended.status}")
    if ended.error and (parent.error is None or ended.error.code != parent.error.code):
        yield Text.assemble(("≠ ", "yellow"), f"{ended.error.code}: {ended.error.message}")
        yield Text(f"  {ended.error.action}")
    same = _is_same(parent, ended, compared)
    yield Text("= the same came of it") if same else Text.assemble(("≠ ", "yellow"), "not the same came of it")
    for name, path in (("request or definition", compared.first.request), ("output", compared.first.output)):
        if path is not None:
            yield Text.assemble(("► ", "bold"), f"first other {name}: {path}")
    reused, spent = compared.right.reused, compared.right.usage
    cost = "" if reused.cost_usd is None else f", ${reused.cost_usd:.4f} saved"
    yield Text(f"{counted(reused.model_calls, 'model call')} reused{cost}; {counted(spent.model_calls, 'call')} made")
