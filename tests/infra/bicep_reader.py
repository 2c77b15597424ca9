"""What a Bicep file declares and uses, as tree-sitter reads it.

No Bicep compiler can be installed from a package registry, so the checks that it would make on names are made here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_bicep.language()))
FUNCTIONS = {"empty", "guid", "subscription", "subscriptionResourceId", "toLower", "union", "uniqueString"}


@dataclass(frozen=True)
class Block:
    """A `resource` or `module`: its symbol, its type (`Provider/kind@version`) or path, and its body."""

    symbol: str
    target: str
    body: Node

    @property
    def kind(self) -> str:
        """The resource type without its API version."""
        return self.target.partition("@")[0]

    def value(self, *keys: str) -> Node | None:
        """The node at a path of keys within the body, or None where the path ends early."""
        return lookup(self.body, *keys)


@dataclass(frozen=True)
class BicepFile:
    """One parsed file."""

    path: Path

    @cached_property
    def root(self) -> Node:
        return PARSER.parse(self.path.read_bytes()).root_node

    @cached_property
    def parameters(self) -> dict[str, bool]:
        """Each parameter's name, and whether it must be given."""
        # A declaration is a name, a type and, if it has one, the default.
        found = (meaningful_children(node) for node in self._declarations("parameter"))
        return {text(parts[0]): len(parts) == 2 for parts in found}

    @cached_property
    def variables(self) -> set[str]:
        return {text(meaningful_children(node)[0]) for node in self._declarations("variable")}

    @cached_property
    def outputs(self) -> set[str]:
        return {text(meaningful_children(node)[0]) for node in self._declarations("output")}

    @cached_property
    def resources(self) -> list[Block]:
        return [_block(node) for node in self._declarations("resource")]

    @cached_property
    def modules(self) -> list[Block]:
        return [_block(node) for node in self._declarations("module")]

    @cached_property
    def symbols(self) -> set[str]:
        """Every name that an expression of the file may use."""
        return set(self.parameters) | self.variables | {block.symbol for block in self.resources + self.modules}

    def module_path(self, module: Block) -> Path:
        return (self.path.parent / module.target).resolve()

    def _declarations(self, kind: str) -> list[Node]:
        return [node for node in self.root.named_children if node.type == f"{kind}_declaration"]


def text(node: Node) -> str:
    """The node's source, without the quotes of a string."""
    return (node.text or b"").decode().strip("'")


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def meaningful_children(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


def properties(node: Node) -> dict[str, Node]:
    """The keys and values of an object; empty for anything else."""
    pairs = (meaningful_children(child) for child in node.named_children if child.type == "object_property")
    return {text(key): value for key, value in pairs}


def lookup(node: Node, *keys: str) -> Node | None:
    found: Node | None = node
    for key in keys:
        found = properties(found).get(key) if found else None
    return found


def syntax_errors(file: BicepFile) -> list[str]:
    """Where tree-sitter could not follow the grammar, as `line:column`."""
    points = (node.start_point for node in walk(file.root) if node.is_error or node.is_missing)
    return [f"{point.row + 1}:{point.column + 1}" for point in points]


def undeclared_names(file: BicepFile) -> list[str]:
    """Names that the file's expressions use and nothing declares."""
    return sorted(set(_used(file.root)) - file.symbols - FUNCTIONS)


def unused_names(file: BicepFile) -> list[str]:
    """Parameters and variables that no expression uses."""
    return sorted((set(file.parameters) | file.variables) - set(_used(file.root)))


def module_problems(file: BicepFile) -> list[str]:
    """Modules that are missing, given the wrong parameters, or asked for outputs that they do not have."""
    problems: list[str] = []
    outputs: dict[str, set[str]] = {}
    for module in file.modules:
        path = file.module_path(module)
        if not path.is_file():
            problems.append(f"{module.symbol}: there is no {module.target}")
            continue
        target = BicepFile(path)
        given = set(properties(module.value("params") or module.body))
        required = {name for name, is_required in target.parameters.items() if is_required}
        problems += [f"{module.symbol}: lacks {name}" for name in sorted(required - given)]
        problems += [f"{module.symbol}: has no parameter {name}" for name in sorted(given - set(target.parameters))]
        outputs[module.symbol] = target.outputs
    used = _used_outputs(file.root)
    return problems + [f"{m}: has no output {o}" for m, o in sorted(used) if m in outputs and o not in outputs[m]]


def _block(node: Node) -> Block:
    symbol, target, *rest = meaningful_children(node)
    body = rest[-1]
    # The body of a loop or a condition is the last thing in it.
    while body.type != "object":
        body = meaningful_children(body)[-1]
    return Block(text(symbol), text(target), body)


def _used(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names in expressions, but for those that a loop around them binds."""
    # What decorators and metadata name is fixed by the language.
    if node.type in {"decorators", "metadata_declaration"}:
        return
    children = meaningful_children(node)
    if node.type == "identifier" and text(node) not in bound:
        yield text(node)
    if node.type == "for_statement":
        bound |= {text(children[0])}
    is_key = node.type == "object_property" and children[0].type == "identifier"
    names_itself = is_key or node.type.endswith("_declaration")
    for child in children[1:] if names_itself else children:
        yield from _used(child, bound)


def _used_outputs(root: Node) -> set[tuple[str, str]]:
    members = (text(node).split(".") for node in walk(root) if node.type == "member_expression")
    return {(parts[0], parts[2]) for parts in members if len(parts) == 3 and parts[1] == "outputs"}
