"""`apply`, `validate` and `delete`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from meta_agents.cli.checking import Definition, definitions_of, located, require_valid
from meta_agents.cli.context import client_of, definition_kind
from meta_agents.cli.documents import read_documents
from meta_agents.cli.exits import BadInput
from meta_agents.client import Client
from meta_agents.errors import ApiError

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="YAML or JSON files, or folders of them.", show_default=False)
]


def apply(context: typer.Context, files: Files) -> None:
    """Keep agents and workflows from files: all are checked before any is changed."""
    batch = _batch(files)
    with client_of(context) as client:
        require_valid(client, batch)
        for definition in batch:
            what, version = _put(client, definition)
            typer.echo(f"{what:<9}  {definition.kind[:-1]:<8}  {definition.name}  version {version}")


def validate(context: typer.Context, files: Files) -> None:
    """Check agents and workflows in files; nothing is kept."""
    batch = _batch(files)
    with client_of(context) as client:
        estimates = require_valid(client, batch)
    for definition in batch:
        most = estimates.get(definition.name) if definition.kind == "workflows" else None
        calls = "" if most is None else f"  at most {most} model calls"
        typer.echo(f"valid  {definition.kind[:-1]:<8}  {definition.name}{calls}")


def delete(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="agent or workflow", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
) -> None:
    """Hide a definition's name; executions that use it go on."""
    known = definition_kind(kind)
    with client_of(context) as client:
        definitions = client.agents if known == "agents" else client.workflows
        definitions.delete(name)
    typer.echo(f"deleted  {known[:-1]:<8}  {name}")


def _batch(files: list[Path]) -> list[Definition]:
    batch = definitions_of(read_documents(files))
    if not batch:
        raise BadInput("The files hold no definition.", "Write an agent or a workflow into one.")
    return batch


def _put(client: Client, definition: Definition) -> tuple[str, int]:
    """What became of it (created, changed, unchanged), and its version now."""
    definitions = client.agents if definition.kind == "agents" else client.workflows
    try:
        before = definitions.get(definition.name).version
    except ApiError as error:
        if error.status != 404:
            raise
        before = None
    try:
        after = definitions.put(definition.document.content).version
    except ApiError as error:
        if not error.details:
            raise
        raise BadInput(error.message, error.action, located(definition.document, error.details)) from error
    return "created" if before is None else "unchanged" if before == after else "changed", after
