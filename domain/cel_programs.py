"""CEL compiled and run within a bound of work.

The library copies what a macro has collected at every item, and an object each time a key of it is read: an expression
over a few thousand items takes minutes. So the macros (`map`, `filter`, …) are taken out of the text, and gone through
here, item by item, counted; and what a program sees of its scope is only what its text names.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from domain import patterns
from domain.cel_text import Path, Token, arguments, closing, is_call, is_method, is_one_path, paths, tokens
from domain.values import Json
from domain.work import TooMuchWork, Work, cells_of

# Its package brings a whole command line with it, so it is imported at the first expression.
if TYPE_CHECKING:
    import cel

MACROS = {"map": (2, 3), "filter": (2,), "all": (2,), "exists": (2,), "exists_one": (2,), "existsOne": (2,)}
"""Each with the numbers of arguments that make it one."""
ONCE = 20
"""Cells of work that running a program costs, whatever it sees."""
CONVERTED = 4
"""Times that a value is gone through on its way from the library to here."""
MOST_BUILT = 200_000
"""Cells that an expression may build."""

Scope = Mapping[str, Json]
Functions = dict[str, Callable[..., Json]]


class EvaluationError(Exception):
    """The message says why, as a sentence."""


@dataclass(frozen=True)
class Macro:
    """`kind(variable, test)`, and for `map` the `result` with or without a test."""

    kind: str
    variable: str
    test: Program | None
    result: Program | None


@dataclass(frozen=True)
class Program:
    """One compiled text, its macros taken out.

    `uses`: each use of a name of the scope. `sums`: how often it adds; `parts`: of how many values it can build one.
    """

    native: cel.Program
    uses: tuple[Path, ...]
    macros: Mapping[str, Macro]
    matches: bool
    sums: int
    parts: int
    is_path: bool

    def work(self, cells: int) -> int:
        """Cells of work that it takes when what it sees has so many: all of it for each use, and each sum copies."""
        return ONCE + (1 + len(self.uses)) * (1 + self.sums) * cells

    def most_built(self, cells: int) -> int:
        return min(len(self.uses), self.parts) * cells

    def names(self) -> Iterator[str]:
        """The names of the scope that it needs, its macros' variables left out."""
        yield from (path[0] for path in self.uses)
        for macro in self.macros.values():
            for part in (macro.test, macro.result):
                yield from (name for name in (part.names() if part else ()) if name != macro.variable)


def compile_program(source: str) -> Program:
    """Raises `ValueError` with the parser's complaint about the source as it is written."""
    import cel  # noqa: PLC0415

    cel.compile(source)  # for complaints that count columns as its author does
    # What goes wrong in a function of ours is told by whoever evaluates; the library would log it once more.
    logging.getLogger("cel").setLevel(logging.ERROR)
    return _compiled(source, list(tokens(source)), count())


def _compiled(source: str, all_tokens: Sequence[Token], numbers: Iterator[int]) -> Program:
    import cel  # noqa: PLC0415

    pieces: list[str] = []
    own: list[Token] = []
    macros: dict[str, Macro] = {}
    matches = False
    index, copied = 0, all_tokens[0].start
    while index < len(all_tokens):
        token = all_tokens[index]
        macro = _macro_at(source, all_tokens, index, numbers)
        if macro is not None:
            end = closing(all_tokens, index + 1)
            name = f"_macro{next(numbers)}"
            macros[name] = macro
            pieces += [source[copied : token.start], f"{name}()"]
            own += [token._replace(text=name), *all_tokens[index + 1 : index + 2], all_tokens[end]]
            index, copied = end + 1, all_tokens[end].end
            continue
        if token.text == "matches" and is_method(all_tokens, index) and is_call(all_tokens, index):
            pieces += [source[copied : token.start], "_matches"]
            matches, copied = True, token.end
        own.append(token)
        index += 1
    text = "".join([*pieces, source[copied : all_tokens[-1].end]])
    sums = sum(token.text == "+" for token in own)
    parts = 1 + sums + sum(token.text == "," for token in own)
    uses = tuple(paths(own))
    is_path = len(uses) == 1 and is_one_path(own)
    return Program(cel.compile(text), uses, macros, matches, sums, parts, is_path)


def _macro_at(source: str, all_tokens: Sequence[Token], index: int, numbers: Iterator[int]) -> Macro | None:
    kind = all_tokens[index].text
    if kind not in MACROS or not is_method(all_tokens, index) or not is_call(all_tokens, index):
        return None
    variable, *rest = arguments(all_tokens, index + 1) or [()]
    if 1 + len(rest) not in MACROS[kind] or len(variable) != 1 or variable[0].kind != "name":
        return None
    bodies = [_compiled(source, body, numbers) for body in rest]
    result = bodies.pop() if kind == "map" else None
    return Macro(kind, variable[0].text, bodies[0] if bodies else None, result)


class Evaluation:
    """One evaluation: the scope, the variables of the macros under way, and the work that is left."""

    def __init__(self, scope: Scope, work: Work) -> None:
        self._scope = dict(scope)
        self._work = work
        self._built = Work(MOST_BUILT)
        self._failures: dict[str, Exception] = {}

    def run(self, program: Program) -> Any:
        """Its value as the library gives it. Raises `TooMuchWork`, `EvaluationError`, or what the library raises."""
        import cel  # noqa: PLC0415

        if program.is_path:
            return self._at(program.uses[0])
        seen = self._seen(program.uses, self._scope)
        cells = sum(map(cells_of, seen.values()))
        self._charge(program, cells)
        return self._native(program, cel.Context(seen, self._functions(program)))

    def _at(self, path: Path) -> Json:
        """What most expressions are: a value as it is, however large, and nothing to be worked out."""
        here: Json = self._scope
        for key in path:
            if not isinstance(here, dict):
                raise EvaluationError(f"there is no key `{key}` in what is no object.")
            here = here[key]
        self._work.charge(ONCE + cells_of(here))
        return here

    def _charge(self, program: Program, cells: int) -> None:
        self._work.charge(program.work(cells))
        if program.most_built(cells) > MOST_BUILT:
            raise TooMuchWork

    def _native(self, program: Program, context: cel.Context) -> Any:
        try:
            value = program.native.execute(context)
        except RuntimeError as error:
            # The library tells what a function of ours raised in words of its own.
            told = next((self._failures[name] for name in self._failures if f"'{name}'" in str(error)), None)
            raise told or error from error
        finally:
            self._work.charge(0)  # `||` may have swallowed that the bound was reached
        built = cells_of(value)
        self._built.charge(built)
        self._work.charge(CONVERTED * built)
        return value

    def _functions(self, program: Program) -> Functions:
        functions: Functions = {
            name: partial(self._kept, name, partial(self._go_through, macro)) for name, macro in program.macros.items()
        }
        if program.matches:
            functions["_matches"] = partial(self._kept, "_matches", self._matches)
        return functions

    def _kept(self, name: str, function: Callable[..., Json], *arguments: Json) -> Json:
        try:
            return function(*arguments)
        except Exception as error:
            self._failures[name] = error
            raise

    def _matches(self, text: Json, pattern: Json) -> bool:
        if not isinstance(text, str) or not isinstance(pattern, str):
            raise EvaluationError("`matches` compares a text with a pattern, and one of the two is no text.")
        try:
            return patterns.found(pattern, text, self._work)
        except patterns.UnusablePattern as error:
            raise EvaluationError(f"`{pattern[:100]}` is not a pattern that it takes: {error}.") from error

    def _go_through(self, macro: Macro, collection: Json) -> Json:
        if isinstance(collection, dict):
            # In CEL's own order, another each time, a call that is repeated would ask something else.
            collection = sorted(collection, key=str)
        if not isinstance(collection, list):
            raise EvaluationError(f"`{macro.kind}` goes through a list or an object, and this is neither.")
        self._work.charge(CONVERTED * cells_of(collection))
        hidden = {name: self._scope[name] for name in (macro.variable,) if name in self._scope}
        try:
            return self._collected(macro, collection)
        finally:
            self._scope.pop(macro.variable, None)
            self._scope.update(hidden)

    def _collected(self, macro: Macro, items: list[Json]) -> Json:
        test = self._body(macro, macro.test)
        if macro.kind == "all":
            return all(test(item) for item in items)
        if macro.kind == "exists":
            return any(test(item) for item in items)
        chosen = (item for item in items if test(item))
        if macro.kind == "map":
            result = self._body(macro, macro.result)
            return [result(item) for item in (chosen if macro.test else items)]
        return list(chosen) if macro.kind == "filter" else sum(1 for _ in chosen) == 1

    def _body(self, macro: Macro, program: Program | None) -> Callable[[Json], Json]:
        """What gives the value of the macro's test or result for one item."""
        if program is None:
            return lambda _: True
        import cel  # noqa: PLC0415

        variable = macro.variable
        of_item = [path for path in program.uses if path[0] == variable]
        rest = self._seen([path for path in program.uses if path[0] != variable], self._scope)
        around = sum(map(cells_of, rest.values()))
        self._work.charge(around)
        context = cel.Context(rest, self._functions(program))

        def value(item: Json) -> Json:
            self._scope[variable] = item
            seen = self._seen(of_item, {variable: item}).get(variable)
            self._charge(program, around + cells_of(seen))
            context.add_variable(variable, seen)
            return self._native(program, context)

        return value if program is macro.result else lambda item: _truth(macro, value(item))

    def _seen(self, uses: Sequence[Path], scope: Scope) -> dict[str, Json]:
        """The part of the scope that the uses lead to."""
        seen: dict[str, Json] = {}
        for path in uses:
            if path[0] in scope:
                _copy_path(path, scope, seen)
        return seen


def _copy_path(path: Path, source: Mapping[str, Json], target: dict[str, Json]) -> None:
    """Copy what is at the path, so that looking for it in the copy finds the same, or misses it at the same key."""
    for depth, key in enumerate(path):
        if key not in source:
            return
        child = source[key]
        if depth == len(path) - 1 or not isinstance(child, dict):
            target[key] = child
            return
        if key in target and target[key] is child:
            return  # all of it is there already
        source, target = child, target.setdefault(key, {})


def _truth(macro: Macro, value: Json) -> bool:
    if not isinstance(value, bool):
        raise EvaluationError(f"`{macro.kind}` needs true or false for each item; compare it with something.")
    return value
