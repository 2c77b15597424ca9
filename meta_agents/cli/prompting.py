"""`prompt` and what follows it, and `uses`."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer
from rich.text import Text

from meta_agents.cli.context import client_of, console, definition_kind, definitions_in, print_json
from meta_agents.cli.showing import table_of
from meta_agents.live.style import clock, safe
from meta_agents.results import DiffLine, PromptDiff

app = typer.Typer(help="Versions of prompts, and the labels on them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
LabelName = Annotated[str, typer.Argument(metavar="LABEL", help="Such as production.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Side = Annotated[str | None, typer.Argument(metavar="VERSION|LABEL", show_default=False)]

_MARKS = {"same": (" ", "bright_black"), "removed": ("-", "red"), "added": ("+", "green")}


@app.command()
def labels(context: typer.Context, name: Name, as_json: JsonOption = False) -> None:
    """Show where a prompt's labels are, and who moved them last."""
    with client_of(context) as client:
        found = client.prompts.labels(name)
    if as_json:
        print_json(found.as_sent())
        return
    table = table_of("LABEL", "VERSION", "SINCE", "BY", "")
    for label in found.items:
        protected = "protected" if label.protected else ""
        table.add_row(safe(label.label), str(label.version), clock(label.at), safe(label.by), protected)
    console().print(table)
    for move in found.moves:
        before, after = ("nowhere" if version is None else str(version) for version in (move.before, move.after))
        typer.echo(safe(f"{clock(move.at)}  {move.label}: {before} → {after}, by {move.by}"))


@app.command()
def label(
    context: typer.Context,
    name: Name,
    label: LabelName,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, show_default=False)],
) -> None:
    """Put a label on a version: agents that name the label use it from the next execution on."""
    with client_of(context) as client:
        placed = client.prompts.put_label(name, label, version)
    typer.echo(safe(f"{name}:{placed.label} is version {placed.version}"))


@app.command()
def unlabel(context: typer.Context, name: Name, label: LabelName) -> None:
    """Take a label away."""
    with client_of(context) as client:
        client.prompts.delete_label(name, label)
    typer.echo(safe(f"{name}:{label} is nowhere"))


@app.command()
def diff(
    context: typer.Context, name: Name, before: Side = None, after: Side = None, as_json: JsonOption = False
) -> None:
    """Compare two versions, by number or label: unless told otherwise the latest and the one before it."""
    with client_of(context) as client:
        found = client.prompts.diff(name, before, after)
    if as_json:
        print_json(found.as_sent())
        return
    out = console()
    for line in _told(found):
        out.print(line, soft_wrap=True)


def uses(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="agent, prompt, tool or workflow", show_default=False)],
    name: Name,
    limit: Annotated[int, typer.Option(min=1, help="Print no more than these.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """Say what uses a definition: directly, and through others."""
    with client_of(context) as client:
        found = list(islice(definitions_in(client, definition_kind(kind)).uses(name), limit))
    if as_json:
        print_json([use.as_sent() for use in found])
        return
    table = table_of("KIND", "NAME", "VERSION", "AS", "THROUGH")
    for use in found:
        version = "" if use.version is None else str(use.version)
        table.add_row(use.kind, safe(use.name), version, safe(", ".join(use.references)), safe(", ".join(use.through)))
    console().print(table)


def _told(found: PromptDiff) -> list[Text]:
    lines = [Text(f"{found.name}: version {found.before.version} and {found.after.version}", "bold")]
    if found.same:
        return [*lines, Text("= They are the same.")]
    lines += [line for each in found.lines for line in _lines(each)]
    for change in found.variables:
        lines.append(Text(safe(f"variable {change.name} {change.kind}"), "yellow"))
    return lines


def _lines(line: DiffLine) -> list[Text]:
    if line.kind != "changed":
        mark, style = _MARKS.get(line.kind, ("?", ""))
        return [Text(f"{mark} {safe(line.text)}", style)]
    both = []
    for kind in ("removed", "added"):
        mark, style = _MARKS[kind]
        text = Text(f"{mark} ", style)
        for piece in line.pieces:
            if piece.kind in ("same", kind):
                text.append(safe(piece.text), f"bold {style}" if piece.kind == kind else style)
        both.append(text)
    return both
