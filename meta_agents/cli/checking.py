"""Checking a batch of definitions before any of them is sent to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jsonschema import Draft202012Validator

from meta_agents.cli.documents import Document
from meta_agents.cli.exits import BadInput
from meta_agents.client import Client
from meta_agents.operations import Kind
from meta_agents.results import Detail, Json


@dataclass(frozen=True)
class Definition:
    """A document that says what kind of definition it is, and its name."""

    kind: Kind
    name: str
    document: Document


def definitions_of(documents: Iterable[Document]) -> list[Definition]:
    """The documents as definitions, agents before the workflows that use them.

    Raises `BadInput` for one whose keys do not tell its kind, or that has no name, or that is there twice.
    """
    problems: list[str] = []
    found: dict[tuple[Kind, str], Definition] = {}
    for document in documents:
        kind, name = _kind_of(document.content), _name_of(document.content)
        if kind is None:
            problems.append(
                f"{document.place('')}: a workflow has `steps`, an agent has `instructions`; this has neither"
            )
        elif name is None:
            problems.append(f"{document.place('/name')}: a definition needs a `name`")
        elif (kind, name) in found:
            first = found[kind, name].document.place("")
            problems.append(f"{document.place('')}: {kind[:-1]} {name!r} is there twice, first at {first}")
        else:
            found[kind, name] = Definition(kind, name, document)
    _refuse(problems)
    return sorted(found.values(), key=lambda definition: definition.kind)


def require_valid(client: Client, batch: list[Definition]) -> dict[str, int | None]:
    """The most model calls of each workflow by name (None: not known). Raises `BadInput` naming every bad field."""
    problems: list[str] = []
    estimates: dict[str, int | None] = {}
    agents = [definition for definition in batch if definition.kind == "agents"]
    if agents:
        validator = Draft202012Validator(client.agents.schema())
        problems += [line for agent in agents for line in _agent_problems(validator, agent.document)]
    names = {agent.name for agent in agents}
    for workflow in (definition for definition in batch if definition.kind == "workflows"):
        result = client.workflows.validate(workflow.document.content)
        problems += _workflow_problems(workflow.document, result.errors, names)
        estimates[workflow.name] = result.estimate.model_calls
    _refuse(problems)
    return estimates


def located(document: Document, details: Iterable[Detail]) -> tuple[str, ...]:
    """Each detail as a line: where in the file, which field, what is wrong."""
    return tuple(_line(document, detail.pointer, detail.message) for detail in details)


def _kind_of(content: Json) -> Kind | None:
    keys = content.keys() if isinstance(content, dict) else set()
    if "steps" in keys:
        return "workflows"
    return "agents" if "instructions" in keys else None


def _name_of(content: dict[str, Json]) -> str | None:
    name = content.get("name") if isinstance(content, dict) else None
    return name if isinstance(name, str) and name else None


def _agent_problems(validator: Draft202012Validator, document: Document) -> Iterator[str]:
    for error in validator.iter_errors(document.content):
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error.absolute_path)
        yield _line(document, pointer, error.message)


def _workflow_problems(document: Document, details: Iterable[Detail], batch: set[str]) -> Iterator[str]:
    # The server does not yet know the agents that this batch brings along.
    return iter(located(document, (detail for detail in details if not _names_one_of(document, detail, batch))))


def _names_one_of(document: Document, detail: Detail, agents: set[str]) -> bool:
    value = document.at(detail.pointer)
    about_an_agent = "/agent" in detail.pointer or "/participants/" in detail.pointer
    return about_an_agent and isinstance(value, str) and value.partition("@")[0] in agents


def _line(document: Document, pointer: str, message: str) -> str:
    return f"{document.place(pointer)}: {pointer or '/'}: {message}"


def _refuse(problems: list[str]) -> None:
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        action = "Correct them and try again; nothing was changed."
        raise BadInput(f"The definitions have {count}.", action, tuple(problems))
