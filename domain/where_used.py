"""Which definitions refer to which, and so where one of them is used, directly and through others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from domain.agents import Agent
from domain.base import Definition, Shape, split_reference
from domain.prompt_definitions import references_of, split_prompt_reference
from domain.uses import uses

Kind = Literal["agent", "prompt", "tool", "workflow", "schedule"]
_WORDS: dict[str, Kind] = {"agents": "agent", "tools": "tool", "workflows": "workflow"}


class Node(NamedTuple):
    """A definition, whatever its version."""

    kind: Kind
    name: str


class Edge(NamedTuple):
    """`reference` as it is written: `greet:production`."""

    to: Node
    reference: str


class Use(Shape):
    """A definition that uses the one asked about. `references`: how it refers to it, when it does so itself.

    `through`: those that it refers to and that use the one asked about, as `agent/host`.
    """

    kind: Kind
    name: str
    version: int | None = None
    direct: bool
    references: tuple[str, ...] = ()
    through: tuple[str, ...] = ()


def edges_of(definition: Definition) -> Iterator[Edge]:
    """What it refers to itself."""
    if isinstance(definition, Agent):
        for reference, _ in references_of(definition.prompt):
            yield Edge(Node("prompt", split_prompt_reference(reference).name), reference)
    for use in uses(definition):
        yield Edge(Node(_WORDS[use.kind], split_reference(use.reference)[0]), use.reference)


def uses_of(target: Node, known: dict[Node, tuple[int | None, tuple[Edge, ...]]]) -> list[Use]:
    """All that use `target`, those that do so directly first, then by kind and name.

    `known`: every definition there is, with its version and what it refers to.
    """
    users: dict[Node, list[Node]] = {}
    for node, (_, edges) in known.items():
        for edge in edges:
            users.setdefault(edge.to, []).append(node)
    reached, waiting = {target}, [target]
    for node in waiting:
        fresh = [user for user in dict.fromkeys(users.get(node, ())) if user not in reached]
        reached.update(fresh)
        waiting += fresh
    found = [_use(node, *known[node], target, reached) for node in waiting[1:]]
    return sorted(found, key=lambda use: (not use.direct, use.kind, use.name))


def _use(node: Node, version: int | None, edges: tuple[Edge, ...], target: Node, reached: set[Node]) -> Use:
    references = tuple(dict.fromkeys(edge.reference for edge in edges if edge.to == target))
    through = {f"{edge.to.kind}/{edge.to.name}" for edge in edges if edge.to in reached and edge.to != target}
    return Use(
        kind=node.kind,
        name=node.name,
        version=version,
        direct=bool(references),
        references=references,
        through=tuple(sorted(through - {f"{node.kind}/{node.name}"})),
    )
