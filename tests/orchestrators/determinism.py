"""A lint for code that Durable Functions replays: finds what could make a replay differ from the first time.

It reads source, so it sees what is written there and no further: a helper that reads the clock is found where the
helper is. Sets are followed only within one function, by how they are made.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

FORBIDDEN = {
    "datetime.datetime.now": "take the time from context.current_utc_datetime",
    "datetime.datetime.utcnow": "take the time from context.current_utc_datetime",
    "datetime.datetime.today": "take the time from context.current_utc_datetime",
    "datetime.date.today": "take the time from context.current_utc_datetime",
    "time": "take the time from context.current_utc_datetime, and wait with a durable timer",
    "random": "take random numbers from an activity",
    "secrets": "take random numbers from an activity",
    "os.urandom": "take random numbers from an activity",
    "uuid.uuid1": "derive ids from paths",
    "uuid.uuid4": "derive ids from paths",
    "os.environ": "settings belong to activities",
    "os.getenv": "settings belong to activities",
    "open": "files belong to activities",
    "input": "input comes from the context",
    "hash": "it differs from process to process",
    "socket": "the network belongs to activities",
    "http": "the network belongs to activities",
    "urllib.request": "the network belongs to activities",
    "httpx": "the network belongs to activities",
    "requests": "the network belongs to activities",
    "aiohttp": "the network belongs to activities",
    "subprocess": "processes belong to activities",
    "threading": "an orchestrator runs on one thread",
    "concurrent": "an orchestrator runs on one thread",
    "asyncio": "an orchestrator yields durable tasks",
}
"""What must not be named, and all that is below it; and what to do instead."""

SET_METHODS = {"union", "intersection", "difference", "symmetric_difference", "copy"}
SET_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)
ORDER_MATTERS = {"list", "tuple", "enumerate", "zip", "iter", "next", "map", "filter", "reversed"}
"""Calls that pass the order of what they are given on."""
ORDER_IS_LOST = {"sorted", "set", "frozenset", "any", "all", "sum", "min", "max", "len"}

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def violations(source: str) -> list[str]:
    """`line N: what, and what to do instead` for each, in order. Raises `SyntaxError`."""
    tree = ast.parse(source)
    found = [*_forbidden_names(tree), *_coroutines(tree), *_ordered_sets(tree)]
    return [f"line {line}: {message}" for line, message in sorted(set(found))]


Finding = tuple[int, str]


def _forbidden_names(tree: ast.Module) -> Iterator[Finding]:
    aliases = {name: name for name in dir(builtins)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for bound, path in _imported(node):
                aliases[bound] = path
                yield from _judged(node.lineno, path)
    # An attribute's own `value` is visited as well: that shows the same finding once more, on the same line.
    for node in ast.walk(tree):
        path_used = _dotted(node, aliases)
        if path_used is not None and isinstance(node, ast.Attribute | ast.Name):
            yield from _judged(node.lineno, path_used)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Each name that the import binds, with the path it stands for."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, f"{node.module or ''}.{alias.name}"
        elif alias.asname:
            yield alias.asname, alias.name
        else:
            yield from {(alias.name.partition(".")[0],) * 2, (alias.name, alias.name)}


def _judged(line: int, path: str) -> Iterator[Finding]:
    parts = path.split(".")
    for length in range(1, len(parts) + 1):
        name = ".".join(parts[:length])
        if name in FORBIDDEN:
            yield line, f"{name}: {FORBIDDEN[name]}"


def _dotted(node: ast.AST, aliases: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return aliases.get(node.id) if isinstance(node.ctx, ast.Load) else None
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, aliases)
        return None if base is None else f"{base}.{node.attr}"
    return None


def _coroutines(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef):
            yield node.lineno, f"async def {node.name}: an orchestrator yields durable tasks"


def _ordered_sets(tree: ast.Module) -> Iterator[Finding]:
    scopes = [tree, *(node for node in ast.walk(tree) if isinstance(node, Function))]
    for scope in scopes:
        inside = list(_within(scope))
        sets = _names_of_sets(inside)
        harmless = {id(node) for outer in inside for node in _order_is_lost(outer)}
        for node in inside:
            for used in _iterated(node) if id(node) not in harmless else ():
                if _is_set(used, sets):
                    yield used.lineno, f"the order of a set ({ast.unparse(used)}): sort it first"


def _within(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope, but for those of functions inside it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, Function):
            yield from _within(child)


def _names_of_sets(nodes: list[ast.AST]) -> frozenset[str]:
    names: frozenset[str] = frozenset()
    for node in nodes:
        if isinstance(node, ast.Assign) and _is_set(node.value, names):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _is_set_type(node.annotation):
            names |= {node.target.id}
    return names


def _is_set_type(annotation: ast.expr) -> bool:
    plain = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return isinstance(plain, ast.Name) and plain.id in {"set", "frozenset"}


def _is_set(node: ast.expr, names: frozenset[str]) -> bool:
    match node:
        case ast.Name():
            return node.id in names
        case ast.BinOp(op=operator) if isinstance(operator, SET_OPERATORS):
            return any(_is_set(side, names) or _is_view(side) for side in (node.left, node.right))
        case ast.Call(func=ast.Attribute(value=base, attr=method)) if method in SET_METHODS:
            return _is_set(base, names)
        case ast.Call(func=made):
            return _is_set_type(made)
        case ast.IfExp():
            return _is_set(node.body, names) or _is_set(node.orelse, names)
        case _:
            return isinstance(node, ast.Set | ast.SetComp)


def _is_view(node: ast.expr) -> bool:
    """A dict's `keys()` or `items()`: ordered by itself, but not what set operators make of it."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"keys", "items"}


def _iterated(node: ast.AST) -> list[ast.expr]:
    """What a node takes one by one, in order."""
    match node:
        case ast.For(iter=taken) | ast.YieldFrom(value=taken) | ast.Starred(value=taken):
            return [taken]
        case ast.ListComp() | ast.DictComp() | ast.GeneratorExp():
            return [generator.iter for generator in node.generators]
        case ast.Call(func=ast.Attribute(value=taken, attr="pop")):
            return [taken]
        case ast.Call(func=ast.Name(id=name)) if name in ORDER_MATTERS:
            return list(node.args)
        case ast.Call(func=ast.Attribute(attr="join" | "extend")):
            return list(node.args)
        case _:
            return []


def _order_is_lost(node: ast.AST) -> list[ast.expr]:
    """Arguments whose order makes no difference: they may be iterated as they come."""
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in ORDER_IS_LOST:
            arguments = node.args
        case ast.Call(func=ast.Attribute(attr=method)) if method in SET_METHODS:
            arguments = node.args
        case ast.Set():
            arguments = node.elts
        case _:
            return []
    return [*arguments, *(argument.value for argument in arguments if isinstance(argument, ast.Starred))]
