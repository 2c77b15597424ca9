"""Tables of what an author may write, from the models: key, what it takes, what counts without it, what it means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel

from domain import agents, chat_rules, policies, prompt_definitions, secrets, steps, tools, workflows
from domain.base import Shape
from tools.reference.words import Link, code, words

MODULES = (agents, tools, secrets, workflows, steps, policies, chat_rules)
SHAPES: dict[str, type[Shape]] = {
    shape.__name__: shape
    for module in MODULES
    for shape in vars(module).values()
    if isinstance(shape, type) and issubclass(shape, Shape) and shape.__module__ == module.__name__
} | {shape.__name__: shape for shape in (prompt_definitions.Variants, prompt_definitions.Variant)}
"""Every shape of the language, by its name."""


NEEDED = "needed"


class Row(NamedTuple):
    key: str
    takes: str
    default: str
    meaning: str


def needless() -> set[str]:
    """Shapes that need no table of their own: kinds of step with a single key, which holds a shape that has one."""
    return {name for name, shape in SHAPES.items() if issubclass(shape, steps.BaseStep) and _holds_one_shape(shape)}


def fields(names: Sequence[str], links: Mapping[str, Link]) -> str:
    """A Markdown table of the keys of these shapes, without what they inherit from one that has its own."""
    rows = [row for name in names for row in _rows(SHAPES[name], links)]
    if len(names) > 1:  # alternatives, of which none is needed
        rows = [row._replace(default="" if row.default == NEEDED else row.default) for row in rows]
    heads, columns = ["key", "takes", "default", "meaning"], list(range(4))
    if {row.default for row in rows} in ({""}, {NEEDED}):
        columns.remove(2)
    lines = [[heads[column] for column in columns], ["---"] * len(columns)]
    lines += [[row[column].replace("|", "\\|") for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rows(shape: type[Shape], links: Mapping[str, Link]) -> Iterator[Row]:
    schema = _schema(shape)
    for key, field in schema["properties"].items():
        if key in _own(shape):
            default = NEEDED if key in schema.get("required", ()) else _default(field)
            meaning = field["description"]
            yield Row(code(key), _takes(words(field, links), meaning), default, meaning)


def _takes(told: str, meaning: str) -> str:
    """Of a text that is no plain text, what it is."""
    if told == "text" and "CEL" in meaning:
        return "text with [`${…}`](#expressions)" if "`${…}`" in meaning else "[expression](#expressions)"
    return told


def _own(shape: type[Shape]) -> set[str]:
    """Its keys, without those of the shape that it is made from, if that has a table."""
    inherited = {name for base in shape.__mro__[1:] if base in SHAPES.values() for name in _fields(base)}
    own = set(shape.__annotations__) | (_fields(shape) - inherited)
    return {shape.model_fields[name].alias or name for name in own if name in shape.model_fields}


def _fields(shape: type[BaseModel]) -> set[str]:
    return set(shape.model_fields)


@cache
def _schema(shape: type[Shape]) -> dict[str, Any]:
    schema: dict[str, Any] = shape.model_json_schema()
    found: dict[str, Any] = schema["$defs"][shape.__name__] if "$ref" in schema else schema
    return found


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default in (None, "", {}):
        return ""
    return code(default if isinstance(default, str) else json.dumps(default).replace('"', ""))


def _holds_one_shape(shape: type[Shape]) -> bool:
    own = _own(shape)
    return len(own) == 1 and "type" not in _schema(shape)["properties"][next(iter(own))]
