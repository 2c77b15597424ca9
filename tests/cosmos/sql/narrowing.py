"""What an index is for: to look at no item that a condition on one of its paths rules out, and to have them in order.

There is no index here, but these loops do little for each item. What they leave is looked at in full.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from tests.cosmos.sql.compiling import Compiled, Scope
from tests.cosmos.sql.syntax import Among, Binary, Constant, Member, Name, Node, Parameter, Query
from tests.cosmos.sql.values import UNDEFINED, Value, is_number, order_key

Path = tuple[str, ...]
_Body = dict[str, Any]
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge
}  # fmt: skip


def narrowed(query: Compiled, bodies: Iterable[Any], scope: Scope) -> list[Any]:
    """Those whose `body` may match."""
    left = list(bodies)
    for path, sign, values in _conditions(query.query):
        known = [_known(value, scope) for value in values]
        if sign == "in" and all(isinstance(value, str) for value in known):
            left = _holding(left, path, lambda value, wanted: value in wanted, frozenset(known), str)
        elif sign in _ORDERINGS and isinstance(known[0], str):
            left = _holding(left, path, _ORDERINGS[sign], known[0], str)
        elif sign in _ORDERINGS and is_number(known[0]):
            left = _holding(left, path, _ORDERINGS[sign], known[0], (int, float))
    return left


def _holding(
    left: list[Any], path: Path, holds: Callable[[Any, Any], bool], limit: Any, kind: type | tuple[type, ...]
) -> list[Any]:
    found = ((one, _at(one.body, path)) for one in left)
    return [one for one, value in found if isinstance(value, kind) and holds(value, limit)]


def in_order(query: Compiled, bodies: Sequence[Any], path: Path) -> list[Any]:
    """By what lies at the path; those that are equal there stay as they are."""
    [order] = query.query.orders
    return sorted(bodies, key=lambda one: order_key(_at(one.body, path)), reverse=order.descending)


@lru_cache(maxsize=1000)
def ordering_path(query: Query) -> Path | None:
    """The one path that the items themselves are sorted by; None where rows have to be sorted."""
    if len(query.orders) != 1 or query.sources or query.groups:
        return None
    return _path(query, query.orders[0].key)


@lru_cache(maxsize=1000)
def _conditions(query: Query) -> list[tuple[Path, str, tuple[Node, ...]]]:
    found: list[tuple[Path, str, tuple[Node, ...]]] = []
    for node in _conjuncts(query.where):
        if isinstance(node, Binary) and (path := _path(query, node.left)):
            found.append((path, node.operator, (node.right,)))
        elif isinstance(node, Among) and (path := _path(query, node.value)):
            found.append((path, "in", node.options))
    return found


def _conjuncts(node: Node | None) -> list[Node]:
    if isinstance(node, Binary) and node.operator == "AND":
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [] if node is None else [node]


def _path(query: Query, node: Node) -> Path | None:
    """Of what lies in the item itself, under names."""
    if isinstance(node, Name):
        return () if node.name == query.root else None
    if isinstance(node, Member) and isinstance(node.key, Constant) and isinstance(node.key.value, str):
        within = _path(query, node.target)
        return None if within is None else (*within, node.key.value)
    return None


def _known(node: Node, scope: Scope) -> Value:
    if isinstance(node, Parameter):
        return scope.get(node.name, UNDEFINED)
    return node.value if isinstance(node, Constant) else UNDEFINED


def _at(body: _Body, path: Path) -> Value:
    if len(path) == 1:
        return body.get(path[0], UNDEFINED)
    value: Value = body
    for name in path:
        value = value.get(name, UNDEFINED) if isinstance(value, dict) else UNDEFINED
    return value
