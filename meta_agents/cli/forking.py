"""`fork`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from meta_agents.cli.checking import definitions_of, located
from meta_agents.cli.context import AsJson, client_of
from meta_agents.cli.documents import Document, read_documents
from meta_agents.cli.executing import Detach, Id, IdempotencyKey, Input, Settings, see_through
from meta_agents.cli.exits import BadInput
from meta_agents.cli.inputs import read_input, read_outputs, read_settings, with_settings
from meta_agents.errors import ApiError
from meta_agents.results import Detail, Json

Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output", metavar="STEP=VALUE|STEP=@FILE", help="Output of a step, which is not run; may be repeated."
    ),
]
Agents = Annotated[
    list[Path] | None,
    typer.Option("--agent", metavar="FILE", help="Another definition of an agent it uses; may be repeated."),
]
OtherWorkflow = Annotated[
    Path | None, typer.Option("--workflow", metavar="FILE", help="Another definition of the workflow, whole.")
]


def fork(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    execution: Id,
    before: Annotated[
        str | None, typer.Option(metavar="STEP", help="Path of a step: it, and all that came later, is done anew.")
    ] = None,
    after: Annotated[
        int | None, typer.Option(metavar="OFFSET", min=0, help="Offset of the log: all that came later is done anew.")
    ] = None,
    given: Input = None,
    settings: Settings = None,
    outputs: Outputs = None,
    agents: Agents = None,
    workflow: OtherWorkflow = None,
    idempotency_key: IdempotencyKey = None,
    detach: Detach = False,
    as_json: AsJson = False,
) -> None:
    """Execute again from any point, with changes: what still fits is taken over, and not paid again. A new id."""
    if before is not None and after is not None:
        raise BadInput("--before and --after exclude each other.", "Leave one out.")
    value = None if given is None else read_input(given, settings or ())
    changes = read_settings(settings or ()) if given is None else {}
    given_outputs = read_outputs(outputs or ())
    files = other_definitions(agents, workflow)
    with client_of(context) as client:
        if changes:
            value = with_settings(client.executions.get(execution).input, changes)
        with with_places(files):
            made = client.executions.fork(
                execution,
                before=before,
                after=after,
                input=value,
                outputs=given_outputs or None,
                **changed_by(files),
                idempotency_key=idempotency_key,
            )
        see_through(client, made, detach=detach, as_json=as_json)


def other_definitions(agents: list[Path] | None, workflow: Path | None) -> dict[str, Document]:
    """The documents of the files, by where the request has them: `/agents/NAME`, `/workflow`. Raises `BadInput`."""
    found = {f"/agents/{name}": document for name, document in _agents(agents or []).items()}
    other = _workflow(workflow)
    return found if other is None else {**found, "/workflow": other}


def changed_by(files: Mapping[str, Document]) -> dict[str, Json]:
    """What these change, as `fork` and `replay` of the client are given it."""
    workflow = files["/workflow"].content if "/workflow" in files else None
    agents = {at.removeprefix("/agents/"): one.content for at, one in files.items() if at != "/workflow"}
    return {"workflow": workflow, "agents": agents or None}


@contextmanager
def with_places(files: Mapping[str, Document]) -> Iterator[None]:
    """What is refused within is told with its place in the file that the pointer leads into."""
    try:
        yield
    except ApiError as error:
        if not error.details:
            raise
        raise BadInput(error.message, error.action, tuple(_places(error.details, files))) from error


def _agents(files: list[Path]) -> dict[str, Document]:
    found = definitions_of(read_documents(files)) if files else []
    if wrong := [definition.document.place("") for definition in found if definition.kind != "agents"]:
        raise BadInput("--agent takes agents.", "Give another workflow as --workflow.", tuple(wrong))
    return {definition.name: definition.document for definition in found}


def _workflow(file: Path | None) -> Document | None:
    if file is None:
        return None
    documents = read_documents([file])
    if len(documents) != 1 or not isinstance(documents[0].content, dict):
        raise BadInput(f"{file} does not hold one workflow.", "Write exactly one into it, as keys and values.")
    return documents[0]


def _places(details: tuple[Detail, ...], files: Mapping[str, Document]) -> list[str]:
    """Each detail as a line; what is about a definition from a file says where in it."""
    lines: list[str] = []
    for detail in details:
        prefix = next((prefix for prefix in files if f"{detail.pointer}/".startswith(f"{prefix}/")), None)
        if prefix is None:
            lines.append(f"{detail.pointer or '/'}: {detail.message}")
        else:
            inside = detail.model_copy(update={"pointer": detail.pointer.removeprefix(prefix)})
            lines += [str(finding) for finding in located(files[prefix], [inside])]
    return lines
