"""What a Bicep file declares and uses, as tree-sitter reads it.

No Bicep compiler can be installed from a package registry, so the checks that it would make on names are made here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

OUTPUT = re.compile(r"(?P<module>\w+)(?:\[[^\]]+\])?\.outputs\.(?P<output>\w+)$")
LOOP_NAMES = ("loop_variable", "loop_enumerator")
PARSER = Parser(Language(tree_sitter_bicep.language()))
ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {
    "base64",
    "concat",
    "empty",
    "environment",
    "guid",
    "indexOf",
    "last",
    "length",
    "loadTextContent",
    "newGuid",
    "replace",
    "resourceGroup",
    "resourceId",
    "split",
    "subscription",
    "subscriptionResourceId",
    "toLower",
    "union",
    "uniqueString",
    "utcNow",
}


@dataclass(frozen=True)
class Block:
    """A `resource` or `module`: its symbol, its type (`Provider/kind@version`) or path, and its body."""

    symbol: str
    target: str
    body: Node
    is_existing: bool = False

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
    def undescribed(self) -> list[str]:
        """Parameters that nobody says the meaning of."""
        nodes = [node for node in self.root.named_children if node.type != "comment"]
        pairs = zip([None, *nodes], nodes, strict=False)
        return [
            text(meaningful_children(node)[0])
            for before, node in pairs
            if node.type == "parameter_declaration"
            and not (before is not None and before.type == "decorators" and "@description(" in text(before))
        ]

    @cached_property
    def variables(self) -> set[str]:
        return {text(meaningful_children(node)[0]) for node in self._declarations("variable")}

    @cached_property
    def outputs(self) -> set[str]:
        return {text(meaningful_children(node)[0]) for node in self._declarations("output")}

    @cached_property
    def used_outputs(self) -> set[tuple[str, str]]:
        """Outputs of modules that the file asks for, as the module's symbol and the output."""
        return _used_outputs(self.root)

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


@dataclass(frozen=True)
class Infra:
    """All the files of a deployment, whose entry is `main.bicep`."""

    folder: Path

    @cached_property
    def files(self) -> list[BicepFile]:
        return [BicepFile(path) for path in sorted(self.folder.rglob("*.bicep"))]

    @cached_property
    def main(self) -> BicepFile:
        return self.file("main.bicep")

    @cached_property
    def blocks(self) -> list[tuple[BicepFile, Block]]:
        """Every resource and the file that it is in, but for those that are there already."""
        return [(file, block) for file in self.files for block in file.resources if not block.is_existing]

    def file(self, name: str) -> BicepFile:
        return next(file for file in self.files if file.path.name == name)

    def resource(self, name: str, symbol: str) -> Block:
        return next(block for block in self.file(name).resources if block.symbol == symbol)


INFRA = Infra(ROOT / "infra" / "bicep")


def text(node: Node) -> str:
    """The node's source, without the quotes if it is a string."""
    source = (node.text or b"").decode()
    return source.strip("'") if node.type == "string" else source


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


def variable(file: BicepFile, name: str) -> Node | None:
    """The value of a variable of the file."""
    for node in file.root.named_children:
        if node.type == "variable_declaration":
            symbol, *_, value = meaningful_children(node)
            if text(symbol) == name:
                return value
    return None


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
    lacking = [(m, o) for m, o in sorted(file.used_outputs) if m in outputs and o not in outputs[m]]
    return problems + [f"{m}: has no output {o}" for m, o in lacking]


def unused_outputs(infra: Infra) -> list[str]:
    """Outputs of modules that no file asks for, as `module.bicep: output`; those of `main` are for whoever deploys."""
    asked: set[tuple[Path, str]] = set()
    for file in infra.files:
        paths = {module.symbol: file.module_path(module) for module in file.modules}
        asked |= {(paths[symbol], output) for symbol, output in file.used_outputs if symbol in paths}
    offered = [(file, output) for file in infra.files if file != infra.main for output in sorted(file.outputs)]
    return [f"{file.path.name}: {output}" for file, output in offered if (file.path, output) not in asked]


def unused_modules(infra: Infra) -> list[str]:
    """Files that no other uses."""
    used = {file.module_path(module) for file in infra.files for module in file.modules}
    return [file.path.name for file in infra.files if file != infra.main and file.path not in used]


def _block(node: Node) -> Block:
    symbol, target, *rest = meaningful_children(node)
    body = rest[-1]
    # The body of a loop or a condition is the last thing in it.
    while body.type != "object":
        body = meaningful_children(body)[-1]
    is_existing = any(child.type == "existing" for child in node.children)
    return Block(text(symbol), text(target), body, is_existing)


def _used(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names in expressions, but for those that a loop around them binds."""
    # What decorators and metadata name is fixed by the language.
    if node.type in {"decorators", "metadata_declaration"}:
        return
    children = meaningful_children(node)
    if node.type == "identifier" and text(node) not in bound:
        yield text(node)
    if node.type == "for_statement":
        # Either one name, or in brackets that of the item and that of its number.
        bound |= {text(name) for name in walk(children[0]) if name.type in {"identifier", *LOOP_NAMES}}
    is_key = node.type == "object_property" and children[0].type == "identifier"
    names_itself = is_key or node.type.endswith("_declaration")
    # What a loop binds is no use of a name.
    for child in children[1:] if names_itself or node.type == "for_statement" else children:
        yield from _used(child, bound)


def _used_outputs(root: Node) -> set[tuple[str, str]]:
    """`module.outputs.name`, and the same of one in a loop: `module[0].outputs.name`."""
    members = (text(node) for node in walk(root) if node.type == "member_expression")
    found = (OUTPUT.search(member) for member in members)
    return {(match["module"], match["output"]) for match in found if match}
