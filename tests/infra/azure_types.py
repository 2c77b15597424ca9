"""Which properties of Azure's resources, and which of their values, are known to be real.

No compiler can be asked here, so `published_types` compares the files with the types that Azure publishes, and writes
down in azure_types.json what it found. Here the files are held to that record: what is new has to be looked up first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tree_sitter import Node

from tests.infra.bicep_reader import BicepFile, meaningful_children, properties, text, variable

RECORD = Path(__file__).with_name("azure_types.json")
LANGUAGE_OWN = {"parent", "scope", "dependsOn"}
"""Properties that Bicep itself gives to every resource."""
Record = Mapping[str, Mapping[str, list[str] | None]]
"""By type and version, then by property (`a.b.c`): the values that may be written there, None where any may."""


def recorded() -> Record:
    content: dict[str, Any] = json.loads(RECORD.read_text())
    resources: Record = content["resources"]
    return resources


def settings(file: BicepFile, node: Node, at: str = "") -> Iterator[tuple[str, Node]]:
    """What is set under a node: each property's path and value, through variables. Items have their array's path."""
    if node.type == "identifier" and (declared := variable(file, text(node))) is not None:
        node = declared
    if node.type == "object":
        for name, value in properties(node).items():
            if at or name not in LANGUAGE_OWN:
                here = f"{at}.{name}" if at else name
                yield here, value
                yield from settings(file, value, here)
    elif node.type in {"array", "ternary_expression", "for_statement", "arguments", "call_expression"}:
        for child in meaningful_children(node):
            yield from settings(file, child, at)


def literals(file: BicepFile, node: Node) -> Iterator[str]:
    """The plain texts that a value may have."""
    if node.type == "identifier" and (declared := variable(file, text(node))) is not None:
        node = declared
    if node.type == "string" and "${" not in text(node):
        yield text(node)
    elif node.type in {"array", "ternary_expression"}:
        for child in meaningful_children(node)[node.type == "ternary_expression" :]:
            yield from literals(file, child)


def unknown(files: Iterable[BicepFile], record: Record) -> list[str]:
    """What the files set and the record does not know, one line for each."""
    lines: list[str] = []
    for file in files:
        for block in file.resources:
            known = record.get(block.target)
            if known is None:
                lines.append(f"{file.path.name}: {block.target}")
                continue
            for path, value in settings(file, block.body):
                values = known.get(path)
                if path not in known:
                    lines.append(f"{file.path.name}: {block.symbol}.{path}")
                elif values is not None:
                    odd = sorted(set(literals(file, value)) - set(values))
                    lines += [f"{file.path.name}: {block.symbol}.{path}: {text}" for text in odd]
    return lines
