"""A tree becomes functions of what its names stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, singledispatch
from typing import Any

from tests.cosmos.errors import bad_request
from tests.cosmos.sql.functions import AGGREGATES, FUNCTIONS, nearness
from tests.cosmos.sql.operators import BINARY, member, minus, negation
from tests.cosmos.sql.parsing import parse
from tests.cosmos.sql.syntax import (
    Among,
    ArrayOf,
    Binary,
    Call,
    Conditional,
    Constant,
    Member,
    Name,
    Node,
    ObjectOf,
    Parameter,
    Query,
    Subquery,
    Unary,
    calls_in,
    path_of,
)
from tests.cosmos.sql.values import UNDEFINED, Value, is_equal

Scope = dict[str, Any]
"""What names, parameters and the keys below stand for."""
Evaluate = Callable[[Scope], Value]
ROWS = "\0rows"
"""The rows of a group, for aggregates."""
METRICS = "\0metrics"
"""Path of each vector of the container, and how its nearness is measured."""
NOW = "\0now"
NEARNESS = frozenset({"VECTORDISTANCE", "_VECTORSCORE"})


@dataclass(frozen=True)
class Compiled:
    """A query as functions; `query` is what they were made of."""

    query: Query
    value: Evaluate | None
    columns: tuple[tuple[str, Evaluate], ...] | None
    sources: tuple[tuple[str, Evaluate], ...]
    where: Evaluate | None
    groups: tuple[Evaluate, ...]
    orders: tuple[tuple[Evaluate, bool], ...]
    top: Evaluate | None
    offset: Evaluate | None
    limit: Evaluate | None
    is_aggregate: bool


@lru_cache(maxsize=1000)
def compiled(text: str) -> Compiled:
    """Raises `CosmosError` 400."""
    return compile_query(parse(text))


def compile_query(query: Query) -> Compiled:
    def maybe(node: Node | None) -> Evaluate | None:
        return None if node is None else evaluating(node)

    selected = (query.value, query.columns)
    return Compiled(
        query=query,
        value=maybe(query.value),
        columns=None if query.columns is None else tuple((name, evaluating(node)) for name, node in query.columns),
        sources=tuple((name, evaluating(node)) for name, node in query.sources),
        where=maybe(query.where),
        groups=tuple(map(evaluating, query.groups)),
        orders=tuple((evaluating(order.key), order.descending) for order in query.orders),
        top=maybe(query.top),
        offset=maybe(query.offset),
        limit=maybe(query.limit),
        is_aggregate=bool(query.groups) or bool(calls_in(selected) & AGGREGATES.keys()),
    )


@singledispatch
def evaluating(node: Any) -> Evaluate:
    raise TypeError(node)


@evaluating.register
def _(node: Constant) -> Evaluate:
    value = node.value
    return lambda scope: value


@evaluating.register
def _(node: Parameter) -> Evaluate:
    name = node.name

    def look_up(scope: Scope) -> Value:
        try:
            return scope[name]
        except KeyError:
            raise bad_request(f"The query references the parameter '{name}', which is not given.") from None

    return look_up


@evaluating.register
def _(node: Name) -> Evaluate:
    name = node.name

    def look_up(scope: Scope) -> Value:
        try:
            return scope[name]
        except KeyError:
            raise bad_request(f"Identifier '{name}' could not be resolved.") from None

    return look_up


@evaluating.register
def _(node: Member) -> Evaluate:
    target, key = evaluating(node.target), evaluating(node.key)
    if isinstance(node.key, Constant) and isinstance(node.key.value, str):
        name = node.key.value

        def look_up(scope: Scope) -> Value:
            found = target(scope)
            return found.get(name, UNDEFINED) if isinstance(found, dict) else UNDEFINED

        return look_up
    return lambda scope: member(target(scope), key(scope))


@evaluating.register
def _(node: Unary) -> Evaluate:
    operand, apply = evaluating(node.operand), negation if node.operator == "NOT" else minus
    return lambda scope: apply(operand(scope))


@evaluating.register
def _(node: Binary) -> Evaluate:
    left, right = evaluating(node.left), evaluating(node.right)
    if node.operator in ("AND", "OR"):
        return _deciding(left, right, node.operator == "OR")
    if node.operator == "??":
        return lambda scope: right(scope) if (found := left(scope)) is UNDEFINED else found
    apply = BINARY[node.operator]
    return lambda scope: apply(left(scope), right(scope))


def _deciding(left: Evaluate, right: Evaluate, deciding: bool) -> Evaluate:
    def decide(scope: Scope) -> Value:
        first = left(scope)
        if first is deciding:
            return deciding
        second = right(scope)
        if second is deciding:
            return deciding
        return not deciding if isinstance(first, bool) and isinstance(second, bool) else UNDEFINED

    return decide


@evaluating.register
def _(node: Conditional) -> Evaluate:
    test, yes, no = evaluating(node.test), evaluating(node.yes), evaluating(node.no)
    return lambda scope: yes(scope) if test(scope) is True else no(scope)


@evaluating.register
def _(node: Among) -> Evaluate:
    value, options = evaluating(node.value), tuple(map(evaluating, node.options))

    def test(scope: Scope) -> Value:
        found = value(scope)
        return UNDEFINED if found is UNDEFINED else any(is_equal(found, option(scope)) for option in options)

    return test


@evaluating.register
def _(node: ArrayOf) -> Evaluate:
    items = tuple(map(evaluating, node.items))
    return lambda scope: [value for item in items if (value := item(scope)) is not UNDEFINED]


@evaluating.register
def _(node: ObjectOf) -> Evaluate:
    members = tuple((name, evaluating(value)) for name, value in node.members)
    return lambda scope: {name: found for name, value in members if (found := value(scope)) is not UNDEFINED}


@evaluating.register
def _(node: Subquery) -> Evaluate:
    from tests.cosmos.sql.execution import values_of

    query, kind = compile_query(node.query), node.kind
    if kind == "exists":
        return lambda scope: bool(values_of(query, scope))
    if kind == "array":
        return lambda scope: values_of(query, scope)
    return lambda scope: next(iter(values_of(query, scope)), UNDEFINED)


@evaluating.register
def _(node: Call) -> Evaluate:
    arguments = tuple(map(evaluating, node.arguments))
    if aggregate := AGGREGATES.get(node.name):
        each = arguments[0]
        return lambda scope: aggregate([each(row) for row in scope[ROWS]])
    if node.name in NEARNESS:
        return _measuring(node, arguments)
    if node.name == "GETCURRENTTIMESTAMP":
        return lambda scope: int(scope[NOW] * 1000)
    apply = FUNCTIONS.get(node.name)
    if apply is None:
        raise bad_request(f"'{node.name}' is not a recognized built-in function name.")

    def call(scope: Scope) -> Value:
        try:
            return apply(*(argument(scope) for argument in arguments))
        except TypeError as error:
            raise bad_request(f"The {node.name} function is given the wrong number of arguments.") from error

    return call


def metric_of(node: Call, scope: Mapping[str, Any]) -> str:
    """How VectorDistance measures: as its own options say, or the policy of the container for that path."""
    options = node.arguments[3] if len(node.arguments) > 3 else None
    if isinstance(options, ObjectOf):
        for name, value in options.members:
            if name == "distanceFunction" and isinstance(value, Constant):
                return str(value.value).lower()
    return str(scope[METRICS].get(path_of(node.arguments[0]), "cosine"))


def _measuring(node: Call, arguments: tuple[Evaluate, ...]) -> Evaluate:
    left, right = arguments[:2]
    return lambda scope: nearness(left(scope), right(scope), metric_of(node, scope))
