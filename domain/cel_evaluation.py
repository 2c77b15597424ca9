"""CEL programs evaluated within a bound of work.

The library copies what a macro has collected at every item, and an object each time a key of it is read: an expression
over a few thousand items takes minutes. So the macros (`map`, `filter`, …) are gone through here, item by item, and
counted; and what a program sees of its scope is only what its text names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from domain import patterns
from domain.cel_programs import ONCE, Macro, Program
from domain.cel_text import Path
from domain.values import Json
from domain.work import TooMuchWork, Work, cells_of

if TYPE_CHECKING:
    import cel

CONVERTED = 4
"""Times that a value is gone through on its way from the library to here."""
MOST_BUILT = 200_000
"""Cells that an expression may build."""

Scope = Mapping[str, Json]
Functions = dict[str, Callable[..., Json]]


class EvaluationError(Exception):
    """The message says why, as a sentence."""


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
