"""What a compiler would refuse beyond names: values of the wrong kind, and what only a deployment could know."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tests.infra.bicep_reader import (
    OUTPUT,
    BicepFile,
    Block,
    Infra,
    meaningful_children,
    properties,
    text,
    variable,
    walk,
)

RETURNS = {
    "base64": "string",
    "concat": "array",
    "empty": "bool",
    "guid": "string",
    "indexOf": "int",
    "length": "int",
    "loadTextContent": "string",
    "newGuid": "string",
    "replace": "string",
    "resourceId": "string",
    "split": "array",
    "subscriptionResourceId": "string",
    "toLower": "string",
    "uniqueString": "string",
    "utcNow": "string",
}
LITERALS = {
    "array": "array",
    "boolean": "bool",
    "for_statement": "array",
    "number": "int",
    "object": "object",
    "string": "string",
    "unary_expression": "bool",
}
COMPARISONS = ("==", "!=", "<", ">", "&&", "||")
CHOICES = {"ternary_expression", "if_statement"}
KNOWN_BEFORE = {"id", "name", "type", "apiVersion"}
"""Properties of a resource that are known before it is deployed."""


def problems(infra: Infra) -> list[str]:
    """What is wrong, one line for each."""
    checks = (lambda file: _wrong_kinds(infra, file), _unknown_before, _unguarded)
    return [line for file in infra.files for check in checks for line in check(file)]


def kind_of(infra: Infra, file: BicepFile, node: Node) -> str | None:
    """The kind of an expression's value, by Bicep's name; None where it is not plain."""
    match node.type:
        case "parenthesized_expression":
            found = kind_of(infra, file, meaningful_children(node)[0])
        case "binary_expression":
            found = "bool" if any(f" {sign} " in text(node) for sign in COMPARISONS) else "int"
        case "ternary_expression":
            kinds = {kind_of(infra, file, branch) for branch in meaningful_children(node)[1:]} - {None}
            found = kinds.pop() if len(kinds) == 1 else None
        case "call_expression":
            found = RETURNS.get(text(meaningful_children(node)[0]))
        case "identifier":
            value = variable(file, text(node))
            declared = _declared(file, "parameter").get(text(node))
            found = declared if value is None else kind_of(infra, file, value)
        case "member_expression":
            found = _kind_of_output(infra, file, text(node))
        case plain:
            found = LITERALS.get(plain)
    return found


def _declared(file: BicepFile, what: str) -> dict[str, str]:
    """The kinds of parameters or outputs, by name."""
    nodes = [node for node in file.root.named_children if node.type == f"{what}_declaration"]
    return {text(name): text(kind) for name, kind, *_ in map(meaningful_children, nodes)}


def _kind_of_output(infra: Infra, file: BicepFile, member: str) -> str | None:
    match = OUTPUT.fullmatch(member)
    modules = [module for module in file.modules if match and module.symbol == match["module"]]
    targets = [other for other in infra.files if modules and other.path == file.module_path(modules[0])]
    return _declared(targets[0], "output").get(match["output"]) if match and targets else None


def _wrong_kinds(infra: Infra, file: BicepFile) -> Iterator[str]:
    for what in ("parameter", "output"):
        for node in file.root.named_children:
            if node.type == f"{what}_declaration" and len(parts := meaningful_children(node)) > 2:
                yield from _compare(infra, file, text(parts[1]), parts[2], f"{what} {text(parts[0])}")
    for module in file.modules:
        targets = [other for other in infra.files if other.path == file.module_path(module)]
        for name, value in properties(module.value("params") or module.body).items() if targets else ():
            if wanted := _declared(targets[0], "parameter").get(name):
                yield from _compare(infra, file, wanted, value, f"{module.symbol}.{name}")


def _compare(infra: Infra, file: BicepFile, wanted: str, value: Node, at: str) -> Iterator[str]:
    found = kind_of(infra, file, value)
    if found is not None and found != wanted:
        yield f"{file.path.name}: {at} is {found}, and {wanted} is wanted"


def _unknown_before(file: BicepFile) -> Iterator[str]:
    """Azure makes its plan first: which resources there are, and their names, must be known without deploying any."""
    for block in (*file.resources, *file.modules):
        for what, node in _planned(block):
            for late in _late(file, node):
                yield f"{file.path.name}: the {what} of {block.symbol} is known too late: {late}"


def _unguarded(file: BicepFile) -> Iterator[str]:
    """What may not be there is asked only where that was looked at: in a choice, or in what has a condition too."""
    optional = {block.symbol for block in (*file.resources, *file.modules) if _is_under(block.body, {"if_statement"})}
    for node in walk(file.root):
        match = OUTPUT.search(text(node)) if node.type == "member_expression" else None
        # The parser takes `a ? b : c.outputs.d` for an output of the choice.
        choice = any(inner.type == "ternary_expression" for inner in walk(node))
        if match and match["module"] in optional and not choice and not _is_under(node, CHOICES):
            yield f"{file.path.name}: {match[0]} may not be there"


def _is_under(node: Node, kinds: set[str]) -> bool:
    around = node.parent
    while around is not None and around.type not in kinds:
        around = around.parent
    return around is not None


def _planned(block: Block) -> Iterator[tuple[str, Node]]:
    for name in ("name", "scope"):
        if (value := block.value(name)) is not None:
            yield name, value
    around = block.body.parent
    while around is not None and not around.type.endswith("_declaration"):
        if around.type in {"for_statement", "if_statement"}:
            yield "loop or condition", _head(around)
        around = around.parent


def _head(node: Node) -> Node:
    """What a loop goes through, or a condition asks."""
    children = meaningful_children(node)
    return children[1] if node.type == "for_statement" else children[0]


def _late(file: BicepFile, node: Node, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    symbols = {block.symbol for block in (*file.resources, *file.modules)}
    for inner in walk(node):
        if inner.type == "member_expression":
            symbol, _, rest = text(inner).partition(".")
            if symbol.partition("[")[0] in symbols and rest.partition(".")[0] not in KNOWN_BEFORE:
                yield text(inner)
        elif inner.type == "identifier" and text(inner) not in seen:
            value = variable(file, text(inner))
            if value is not None:
                yield from _late(file, value, seen | {text(inner)})
