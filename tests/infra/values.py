"""What an expression of a Bicep file comes to, as far as it is written out there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tree_sitter import Node

from tests.infra.bicep_reader import BicepFile, meaningful_children, properties, text, variable

Known = Mapping[str, Any]
HOLE = re.compile(r"\$\{(\w+)\}")


def value(file: BicepFile, node: Node, known: Known | None = None) -> Any:
    """Objects, arrays, loops, texts, variables and `concat`. Raises `ValueError` for what only a deployment knows."""
    names = known or {}
    read = READERS.get(node.type)
    if read is None:
        raise ValueError(f"{file.path.name}: {text(node)} is known only to a deployment")
    return read(file, node, names)


def _object(file: BicepFile, node: Node, known: Known) -> Any:
    return {name: value(file, each, known) for name, each in properties(node).items()}


def _array(file: BicepFile, node: Node, known: Known) -> Any:
    return [value(file, child, known) for child in meaningful_children(node)]


def _string(file: BicepFile, node: Node, known: Known) -> Any:
    return HOLE.sub(lambda hole: str(_named(file, hole[1], known)), text(node))


def _plain(_: BicepFile, node: Node, __: Known) -> Any:
    return json.loads(text(node))


def _identifier(file: BicepFile, node: Node, known: Known) -> Any:
    return _named(file, text(node), known)


def _loop(file: BicepFile, node: Node, known: Known) -> Any:
    item, source, *_, body = meaningful_children(node)
    return [value(file, body, {**known, text(item): one}) for one in value(file, source, known)]


def _call(file: BicepFile, node: Node, known: Known) -> Any:
    function, arguments = meaningful_children(node)
    if text(function) != "concat":
        raise ValueError(f"{file.path.name}: {text(node)} is known only to a deployment")
    return [item for part in meaningful_children(arguments) for item in value(file, part, known)]


READERS: dict[str, Callable[[BicepFile, Node, Known], Any]] = {
    "array": _array,
    "boolean": _plain,
    "call_expression": _call,
    "for_statement": _loop,
    "identifier": _identifier,
    "number": _plain,
    "object": _object,
    "string": _string,
}


def _named(file: BicepFile, name: str, known: Known) -> Any:
    if name in known:
        return known[name]
    found = variable(file, name)
    if found is None:
        raise ValueError(f"{file.path.name}: {name} is known only to a deployment")
    return value(file, found, known)
