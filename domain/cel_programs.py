"""CEL compiled for evaluation within a bound of work (`domain/cel_evaluation.py`): the macros taken out of the text."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from domain.cel_text import Path, Token, arguments, closing, is_call, is_method, is_one_path, paths, tokens

# Its package brings a whole command line with it, so it is imported at the first expression.
if TYPE_CHECKING:
    import cel

MACROS = {"map": (2, 3), "filter": (2,), "all": (2,), "exists": (2,), "exists_one": (2,), "existsOne": (2,)}
"""Each with the numbers of arguments that make it one."""
ONCE = 20
"""Cells of work that running a program costs, whatever it sees."""


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
    `calls`: each function and macro that it calls, those inside its macros too.
    """

    native: cel.Program
    uses: tuple[Path, ...]
    macros: Mapping[str, Macro]
    matches: bool
    sums: int
    parts: int
    is_path: bool
    calls: tuple[str, ...]

    def work(self, cells: int) -> int:
        """Cells of work that it takes when what it sees has so many: all of it for each use, and each sum copies."""
        return ONCE + (1 + len(self.uses)) * (1 + self.sums) * cells

    def most_built(self, cells: int) -> int:
        return min(len(self.uses), self.parts) * cells

    def paths(self) -> Iterator[Path]:
        """Each use of a name of the scope, that inside its macros too, their variables left out."""
        yield from self.uses
        for macro in self.macros.values():
            for part in (macro.test, macro.result):
                yield from (path for path in (part.paths() if part else ()) if path[0] != macro.variable)


def compile_program(source: str) -> Program:
    """Raises `ValueError` with the parser's complaint about the source as it is written."""
    import cel  # noqa: PLC0415

    native = cel.compile(source)  # for complaints that count columns as its author does
    # What goes wrong in a function of ours is told by whoever evaluates; the library would log it once more.
    logging.getLogger("cel").setLevel(logging.ERROR)
    return _compiled(source, list(tokens(source)), count(), native)


def _compiled(
    source: str, all_tokens: Sequence[Token], numbers: Iterator[int], native: cel.Program | None = None
) -> Program:
    """The program of a part of the source. `native`: that of the part as it is written, if it is at hand."""
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
    compiled = cel.compile(text) if native is None or macros or matches else native
    calls = tuple(
        token.text for index, token in enumerate(all_tokens) if token.kind == "name" and is_call(all_tokens, index)
    )
    return Program(compiled, uses, macros, matches, sums, parts, is_path, calls)


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
