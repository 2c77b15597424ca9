"""A tree becomes text again, as plans need it."""

from __future__ import annotations

import json
from functools import singledispatch
from typing import Any

from tests.cosmos.errors import bad_request
from tests.cosmos.sql.syntax import (
    Among,
    ArrayOf,
    Binary,
    Call,
    Conditional,
    Constant,
    Member,
    Name,
    ObjectOf,
    Parameter,
    Query,
    Subquery,
    Unary,
)


@singledispatch
def written(node: Any) -> str:
    raise TypeError(node)


@written.register
def _(node: Constant) -> str:
    return json.dumps(node.value, ensure_ascii=False)


@written.register
def _(node: Parameter) -> str:
    return node.name


@written.register
def _(node: Name) -> str:
    return node.name


@written.register
def _(node: Member) -> str:
    return f"{written(node.target)}[{written(node.key)}]"


@written.register
def _(node: Unary) -> str:
    return f"({node.operator} {written(node.operand)})"


@written.register
def _(node: Binary) -> str:
    return f"({written(node.left)} {node.operator} {written(node.right)})"


@written.register
def _(node: Conditional) -> str:
    return f"({written(node.test)} ? {written(node.yes)} : {written(node.no)})"


@written.register
def _(node: Among) -> str:
    return f"({written(node.value)} IN ({', '.join(map(written, node.options))}))"


@written.register
def _(node: ArrayOf) -> str:
    return f"[{', '.join(map(written, node.items))}]"


@written.register
def _(node: ObjectOf) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {written(value)}" for name, value in node.members) + "}"


@written.register
def _(node: Call) -> str:
    if node.name == "LIKE":
        text, pattern, escape = map(written, node.arguments)
        return f"({text} LIKE {pattern} ESCAPE {escape})"
    return node.name if node.name == "UNDEFINED" else f"{node.name}({', '.join(map(written, node.arguments))})"


@written.register
def _(node: Subquery) -> str:
    return f"{ {'exists': 'EXISTS', 'array': 'ARRAY', 'value': ''}[node.kind] }({_query(node.query)})"


def _query(query: Query) -> str:
    """Of a subquery. Raises `CosmosError` 400 for one that is sorted or grouped: that is not written here."""
    if query.orders or query.groups or query.distinct or query.top or query.offset:
        raise bad_request("A subquery in a query that is ordered by rank is not sorted, grouped or cut.")
    selected = f"VALUE {written(query.value)}" if query.value else payload_of(query)
    sources = " JOIN ".join(f"{name} IN {written(source)}" for name, source in query.sources)
    origin = " JOIN ".join(filter(None, [query.root, sources]))
    where = f" WHERE {written(query.where)}" if query.where else ""
    return f"SELECT {selected}{f' FROM {origin}' if origin else ''}{where}"  # noqa: S608 - nothing that runs


def payload_of(query: Query) -> str:
    """What one row of the query selects, as one expression."""
    if query.value:
        return written(query.value)
    return str(query.root) if query.columns is None else written(ObjectOf(query.columns))
