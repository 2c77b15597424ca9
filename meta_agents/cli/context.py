"""What commands share: the client they call through, and the consoles and streams they print to."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from meta_agents.cli.exits import BadInput
from meta_agents.live.style import UNSAFE, safe
from meta_agents.operations import Kind
from meta_agents.results import Json
from meta_agents.synchronous.client import Client
from meta_agents.synchronous.definitions import Definitions

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_WIDE = 240
"""Columns where nobody's window ends: output that is read by programs, or later, is not cut at 80."""


class Thing(StrEnum):
    """What `list` and `get` can show."""

    AGENTS = "agents"
    DATASETS = "datasets"
    PROMPTS = "prompts"
    TOOLS = "tools"
    WORKFLOWS = "workflows"
    EXECUTIONS = "executions"
    APPROVALS = "approvals"


def client_of(context: typer.Context) -> Client:
    """A client of the server that `--url` or the environment names. Raises `InvalidArgument`."""
    url: str | None = context.obj
    return Client(url)


def thing(text: str) -> Thing:
    """The kind that a word names, one or many of it. Raises `BadInput`."""
    for known in Thing:
        if text.lower() in {known.value, known.value[:-1]}:
            return known
    raise BadInput(
        f"There is no kind {text!r}.", "Say agents, datasets, prompts, tools, workflows, executions or approvals."
    )


def definition_kind(text: str) -> Kind:
    """Like `thing`, for what is defined rather than executed. Raises `BadInput`."""
    match thing(text):
        case Thing.AGENTS:
            return "agents"
        case Thing.DATASETS:
            return "datasets"
        case Thing.PROMPTS:
            return "prompts"
        case Thing.TOOLS:
            return "tools"
        case Thing.WORKFLOWS:
            return "workflows"
        case other:
            raise BadInput(
                f"An {other.value[:-1]} is not a definition.", "Say agents, datasets, prompts, tools or workflows."
            )


def definitions_in(client: Client, kind: Kind) -> Definitions:
    shelves: dict[Kind, Definitions] = {
        "agents": client.agents,
        "datasets": client.datasets,
        "prompts": client.prompts,
        "tools": client.tools,
        "workflows": client.workflows,
    }
    return shelves[kind]


class SafeConsole(Console):
    """Whatever words are printed, of models, tools or servers: they cannot command the terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(_made_safe(printed) for printed in objects), **options)


def console(*, error: bool = False) -> Console:
    """Standard output, or standard error, as it is now; model text is never read as markup."""
    made = SafeConsole(stderr=error, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = _WIDE
    return made


def say(text: str, *, error: bool = False) -> None:
    """A line for people, made safe for a terminal."""
    typer.echo(safe(text), err=error)


def print_text(text: str) -> None:
    """What was asked for: whole for a file or a program, made safe for a terminal."""
    typer.echo(safe(text) if sys.stdout.isatty() else text, nl=not text.endswith("\n"))


def print_json(value: Json, *, indent: int | None = 2) -> None:
    """One JSON document on standard output."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    # The same to whoever reads JSON, and nothing that a terminal obeys.
    typer.echo(UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _made_safe(printed: Any) -> Any:
    if isinstance(printed, str):
        return safe(printed)
    if isinstance(printed, Text):
        printed = printed.copy()
        printed.plain = safe(printed.plain)
    return printed
