"""`prompt` and what follows it, and `uses`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from meta_agents.cli.context import AsJson, client_of, console, definition_kind, definitions_in, print_json, say
from meta_agents.cli.documents import read_text
from meta_agents.cli.evaluating import Cost, FailUnder, Grade, conclude_evaluation
from meta_agents.cli.executing import Detach, IdempotencyKey
from meta_agents.cli.exits import BadInput
from meta_agents.cli.grading import read_graders
from meta_agents.cli.inputs import read_definition, read_settings
from meta_agents.cli.tables import table_of
from meta_agents.live.style import clock
from meta_agents.results import DiffLine, Json, PromptDiff

app = typer.Typer(help="Versions of prompts, and the labels on them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
LabelName = Annotated[str, typer.Argument(metavar="LABEL", help="Such as production.", show_default=False)]
Side = Annotated[str | None, typer.Argument(metavar="VERSION|LABEL", show_default=False)]

_MARKS = {"same": (" ", "bright_black"), "removed": ("-", "red"), "added": ("+", "green")}


@app.command()
def labels(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show where a prompt's labels are, and who moved them last."""
    with client_of(context) as client:
        found = client.prompts.labels(name)
    if as_json:
        print_json(found.as_sent())
        return
    table = table_of("LABEL", "VERSION", "SINCE", "BY", "")
    for label in found.items:
        protected = "protected" if label.protected else ""
        table.add_row(label.label, str(label.version), clock(label.at), label.by, protected)
    console().print(table)
    for move in found.moves:
        before, after = ("nowhere" if version is None else str(version) for version in (move.before, move.after))
        say(f"{clock(move.at)}  {move.label}: {before} → {after}, by {move.by}")


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
    say(f"{name}:{placed.label} is version {placed.version}")


@app.command()
def unlabel(context: typer.Context, name: Name, label: LabelName) -> None:
    """Take a label away."""
    with client_of(context) as client:
        client.prompts.delete_label(name, label)
    say(f"{name}:{label} is nowhere")


@app.command()
def diff(context: typer.Context, name: Name, before: Side = None, after: Side = None, as_json: AsJson = False) -> None:
    """Compare two versions, by number or label: unless told otherwise the latest and the one before it."""
    with client_of(context) as client:
        found = client.prompts.diff(name, before, after)
    if as_json:
        print_json(found.as_sent())
        return
    out = console()
    if before is None and after is None and found.before.version == found.after.version:
        out.print(f"{found.name} has one version only: {found.after.version}", soft_wrap=True)
        return
    for line in _told(found):
        out.print(line, soft_wrap=True)


@app.command("try")
def try_on(  # noqa: PLR0913, PLR0917 - each is one thing that a command line may say
    context: typer.Context,
    name: Name,
    agent: Annotated[str, typer.Option(metavar="AGENT", help="Whose calls are made again.")],
    on: Annotated[
        list[str] | None, typer.Option("--on", metavar="ID", help="An execution's id; may be repeated.")
    ] = None,
    workflow: Annotated[str | None, typer.Option(metavar="NAME", help="Or the latest executions of this one.")] = None,
    last: Annotated[int, typer.Option(min=1, max=100, help="With --workflow: so many.")] = 10,
    version: Annotated[int | None, typer.Option(min=1, help="Which version; the latest unless told otherwise.")] = None,
    draft: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A prompt in a file, or a text, that is not stored.")
    ] = None,
    variables: Annotated[
        list[str] | None, typer.Option("--var", metavar="KEY=VALUE", help="A variable; may be repeated.")
    ] = None,
    grade: Grade = None,
    cost_usd: Cost = None,
    fail_under: FailUnder = None,
    detach: Detach = False,
    idempotency_key: IdempotencyKey = None,
    as_json: AsJson = False,
) -> None:
    """Ask what an agent was asked in past executions again, under this prompt: answers and costs side by side."""
    if bool(on) == (workflow is not None):
        raise BadInput("Say on which executions.", "Give --on ID, or --workflow NAME, and not both.")
    with client_of(context) as client:
        record = client.prompts.try_on(
            name,
            agent,
            on or {"workflow": workflow, "last": last},
            version=version,
            draft=_draft(draft) if draft else None,
            variables=read_settings(variables) if variables else None,
            graders=read_graders(grade or ()),
            limits={"cost_usd": cost_usd} if cost_usd else None,
            idempotency_key=idempotency_key,
        )
        for one in record.skipped:
            console(error=True).print(f"left out {one['execution']}: {one['reason']}", soft_wrap=True)
        conclude_evaluation(client, record, detach=detach, as_json=as_json, fail_under=fail_under)


def _draft(path: Path) -> dict[str, Json]:
    """The template of a file, and its variables if it says any."""
    if path.suffix in (".yaml", ".yml", ".json"):
        written = read_definition(path)
        return {key: written[key] for key in ("template", "variables") if key in written}
    return {"template": read_text(path)}


def uses(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="agent, prompt, tool or workflow", show_default=False)],
    name: Name,
    limit: Annotated[int, typer.Option(min=1, help="Print no more than these.")] = 200,
    as_json: AsJson = False,
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
        table.add_row(use.kind, use.name, version, ", ".join(use.references), ", ".join(use.through))
    console().print(table)


def _told(found: PromptDiff) -> list[Text]:
    lines = [Text(f"{found.name}: version {found.before.version} and {found.after.version}", "bold")]
    if found.same:
        return [*lines, Text("= They are the same.")]
    lines += [line for each in found.lines for line in _lines(each)]
    for change in found.variables:
        lines.append(Text(f"variable {change.name} {change.kind}", "yellow"))
    return lines


def _lines(line: DiffLine) -> list[Text]:
    if line.kind != "changed":
        mark, style = _MARKS.get(line.kind, ("?", ""))
        return [Text(f"{mark} {line.text}", style)]
    both = []
    for kind in ("removed", "added"):
        mark, style = _MARKS[kind]
        text = Text(f"{mark} ", style)
        for piece in line.pieces:
            if piece.kind in ("same", kind):
                text.append(piece.text, f"bold {style}" if piece.kind == kind else style)
        both.append(text)
    return both
