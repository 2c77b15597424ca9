"""What a query is made of, once it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Constant:
    value: Any


@dataclass(frozen=True)
class Parameter:
    name: str


@dataclass(frozen=True)
class Name:
    """An alias: of the container, or of what is iterated over."""

    name: str


@dataclass(frozen=True)
class Member:
    target: Node
    key: Node


@dataclass(frozen=True)
class Unary:
    operator: str
    operand: Node


@dataclass(frozen=True)
class Binary:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Conditional:
    test: Node
    yes: Node
    no: Node


@dataclass(frozen=True)
class Among:
    value: Node
    options: tuple[Node, ...]


@dataclass(frozen=True)
class Call:
    """`name` in capitals."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class ArrayOf:
    items: tuple[Node, ...]


@dataclass(frozen=True)
class ObjectOf:
    members: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Subquery:
    kind: Literal["value", "exists", "array"]
    query: Query


Node = (
    Constant | Parameter | Name | Member | Unary | Binary | Conditional | Among | Call | ArrayOf | ObjectOf | Subquery
)


@dataclass(frozen=True)
class Order:
    """`reversed`: ASC was written, which turns an order by nearness around."""

    key: Node
    descending: bool
    reversed: bool = False


@dataclass(frozen=True)
class Query:
    """`value`, `columns` or neither (`SELECT *`) are selected. `sources`: an alias and what it goes through."""

    root: str | None
    value: Node | None = None
    columns: tuple[tuple[str, Node], ...] | None = None
    sources: tuple[tuple[str, Node], ...] = ()
    where: Node | None = None
    groups: tuple[Node, ...] = ()
    orders: tuple[Order, ...] = ()
    rank: Node | None = None
    distinct: bool = False
    top: Node | None = None
    offset: Node | None = None
    limit: Node | None = None


def path_of(node: Node) -> str | None:
    """`/a/b` of `c.a.b`; None for what is no path into an item."""
    if isinstance(node, Name):
        return ""
    if isinstance(node, Member) and isinstance(node.key, Constant) and isinstance(node.key.value, str):
        within = path_of(node.target)
        return None if within is None else f"{within}/{node.key.value}"
    return None


def calls_in(node: Any) -> set[str]:
    """Names of the functions that are called in it, subqueries apart."""
    if isinstance(node, Call):
        return {node.name}.union(*map(calls_in, node.arguments))
    if isinstance(node, Subquery) or not hasattr(node, "__dataclass_fields__"):
        return set().union(*map(calls_in, node)) if isinstance(node, tuple) else set()
    return set().union(*(calls_in(getattr(node, field)) for field in node.__dataclass_fields__))
