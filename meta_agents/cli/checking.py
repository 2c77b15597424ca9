"""Checking a batch of definitions before any of them is sent to be kept; what is found, as a compiler would tell it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from meta_agents.cli.documents import Document
from meta_agents.cli.exits import BadInput
from meta_agents.operations import Kind
from meta_agents.results import Detail, Json, Validation
from meta_agents.synchronous.client import Client

_ORDER: tuple[Kind, ...] = ("prompts", "agents", "tools", "workflows", "datasets")
"""Each comes before those of later kinds, but for what it names itself."""
_UNKNOWN = (
    "a workflow has `steps`, an agent `instructions` or `prompt`, a tool `http`, `function`, `mcp`, "
    "`library`, `workflow` or `agent`, a prompt `template`, a data set `cases`; this has none of them"
)
_KEYS: dict[str, Kind] = {
    "steps": "workflows",
    "instructions": "agents",
    "prompt": "agents",
    "template": "prompts",
    "cases": "datasets",
    "http": "tools",
    "function": "tools",
    "mcp": "tools",
    "library": "tools",
    "workflow": "tools",
    "agent": "tools",
}
"""The first of them that is there tells the kind."""


@dataclass(frozen=True)
class Definition:
    """A document that says what kind of definition it is, and its name."""

    kind: Kind
    name: str
    document: Document

    @property
    def word(self) -> str:
        return self.kind.removesuffix("s")


@dataclass(frozen=True)
class Finding:
    """One line: where in which file, how bad, what, and the word that was probably meant."""

    place: str
    severity: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.message}"


def definitions_of(documents: Iterable[Document]) -> list[Definition]:
    """The documents as definitions, each before those that use it.

    Raises `BadInput` for one whose keys do not tell its kind, or that has no name, or that is there twice.
    """
    found: dict[tuple[Kind, str], Definition] = {}
    wrong: list[Finding] = []
    for document in documents:
        kind, name = kind_of(document.content), _name_of(document.content)
        if kind is None:
            wrong.append(Finding(document.place(""), "error", _UNKNOWN + _hint(document.content)))
        elif name is None:
            wrong.append(Finding(document.place("/name"), "error", "a definition needs a `name`"))
        elif (kind, name) in found:
            first = found[kind, name].document.place("")
            told = f"{kind.removesuffix('s')} {name!r} is there twice, first at {first}"
            wrong.append(Finding(document.place(""), "error", told))
        else:
            found[kind, name] = Definition(kind, name, document)
    refuse(wrong)
    if not found:
        raise BadInput("The files hold no definition.", "Write an agent, a tool or a workflow into one.")
    return _in_order(list(found.values()))


def checked(client: Client, batch: list[Definition]) -> list[Validation]:
    """What the server finds, in the batch's order; its definitions know each other."""
    return list(client.validate([(definition.kind, definition.document.content) for definition in batch]))


def findings_of(batch: Iterable[Definition], results: Iterable[Validation]) -> list[Finding]:
    """In the order of the batch, mistakes first."""
    return [
        finding
        for definition, result in zip(batch, results, strict=True)
        for finding in (
            *located(definition.document, result.errors, "error"),
            *located(definition.document, result.warnings, "warning"),
        )
    ]


def located(
    document: Document, details: Iterable[Detail], severity: Literal["error", "warning"] = "error"
) -> Iterator[Finding]:
    for detail in details:
        yield Finding(document.place(detail.pointer), severity, document.told(detail.pointer, detail.message))


def refuse(findings: Iterable[Finding]) -> None:
    """Raises `BadInput` if there is a mistake among them."""
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        number = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
        action = "Correct them and try again; nothing was changed."
        raise BadInput(f"The definitions have {number}.", action, tuple(errors))


def kind_of(content: Json) -> Kind | None:
    """What kind of definition this is; None for anything else."""
    keys = content if isinstance(content, dict) and "cron" not in content else {}
    return next((kind for key, kind in _KEYS.items() if key in keys), None)


def _hint(content: Json) -> str:
    is_schedule = isinstance(content, dict) and "cron" in content
    return " (schedules are kept with `meta-agents schedule apply`)" if is_schedule else ""


def _name_of(content: Json) -> str | None:
    name = content.get("name") if isinstance(content, dict) else None
    return name if isinstance(name, str) and name else None


def _in_order(definitions: list[Definition]) -> list[Definition]:
    """Each after those it names; circles are for the server to refuse."""
    known = {(definition.kind, definition.name): definition for definition in definitions}
    ordered: list[Definition] = []
    begun: set[tuple[Kind, str]] = set()

    def add(key: tuple[Kind, str]) -> None:
        if key in known and key not in begun:
            begun.add(key)
            for name in _words_in(known[key].document.content):
                for kind in _NAMES[known[key].kind]:
                    add((kind, name))
            ordered.append(known[key])

    for kind in _ORDER:
        for definition in definitions:
            if definition.kind == kind:
                add((kind, definition.name))
    return ordered


_NAMES: dict[Kind, tuple[Kind, ...]] = {
    "tools": ("agents", "workflows"),
    "agents": ("prompts", "tools"),
    "prompts": (),
    "datasets": (),
    "workflows": ("agents", "tools", "workflows"),
}
"""Kinds of what a definition of a kind may name."""


def _words_in(value: Json) -> Iterator[str]:
    """The names in it, and other words that stand alone: they change an order, no more."""
    if isinstance(value, str):
        yield re.split("[@:]", value, maxsplit=1)[0]
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _words_in(item)
