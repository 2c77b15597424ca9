"""What commands share: the client they call through, and the consoles and streams they print to."""

from __future__ import annotations

import json
from enum import StrEnum

import typer
from rich.console import Console

from meta_agents.cli.exits import BadInput
from meta_agents.operations import Kind
from meta_agents.results import Json
from meta_agents.synchronous.client import Client
from meta_agents.synchronous.definitions import Definitions

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


def console(*, error: bool = False) -> Console:
    """Standard output, or standard error, as it is now; model text is never read as markup."""
    made = Console(stderr=error, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = _WIDE
    return made


def print_json(value: Json) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
