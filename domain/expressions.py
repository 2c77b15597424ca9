"""Expressions (CEL) alone, and inside `${…}` in text.

CEL is typed, has no loops and no I/O, so an expression of any tenant is safe to evaluate; the one way to burn time and
memory, macros over long lists, is counted while it is done (`domain/work.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from domain.cel_evaluation import Evaluation, EvaluationError
from domain.cel_programs import MACROS, Program, compile_program
from domain.cel_text import paths, tokens
from domain.errors import Code, Fault, Problem, ProblemError
from domain.values import Json
from domain.wording import did_you_mean
from domain.work import TooMuchWork, Work

MAX_LENGTH = 2_000
"""Characters of one expression."""
MAX_MACROS = 5
"""How many `map`, `filter`, `all`, `exists`, `exists_one` one expression may use."""
MAX_TEMPLATE = 64_000
"""Characters of one template."""
MAX_PLACEHOLDERS = 100
"""How many `${…}` one template may have when it is defined."""
MAX_RENDERED = 4_000_000
"""Characters of the text it gives: more than any model reads, and little enough to hold in memory."""

NAMES = ("input", "steps", "item", "index", "execution", "chat", "round", "arguments")
"""What an expression can ever see; where it stands decides which of them are there."""
FUNCTIONS = frozenset(
    {"size", "contains", "startsWith", "endsWith", "matches", "has", "type", "dyn"}
    | {"string", "int", "uint", "double", "bytes", "timestamp", "duration"}
    | {f"get{part}" for part in ("FullYear", "Month", "DayOfYear", "DayOfMonth", "Date", "DayOfWeek")}
    | {f"get{part}" for part in ("Hours", "Minutes", "Seconds", "Milliseconds")}
)

_DURATION = TypeAdapter(timedelta)
_CORRECT = "Correct the expression; docs/workflow-language.md lists what expressions can see."


def failed(expression: str, why: str, action: str = _CORRECT) -> ProblemError:
    message = f"The expression `{expression[:200]}` failed: {why}"
    return ProblemError(Problem(code=Code.EXPRESSION_FAILED, message=message, action=action, fault=Fault.AUTHOR))


def _compiled(expression: str) -> Program:
    found = _read(expression)
    if isinstance(found, Problem):
        raise ProblemError(found)
    return found


@lru_cache(maxsize=4096)
def _read(expression: str) -> Program | Problem:
    """The program, or what is wrong with the expression: that takes as long to find, and is asked for as often."""
    try:
        if len(expression) > MAX_LENGTH:
            raise failed(expression, f"it is longer than {MAX_LENGTH} characters.")
        program = compile_program(expression)
        _check_calls(expression, program.calls)
    except ProblemError as error:
        return error.problem
    except ValueError as error:
        return failed(expression, _first_line(str(error))).problem
    return program


def _check_calls(expression: str, called: tuple[str, ...]) -> None:
    """Refuse functions that nobody made, and more macros than one can follow."""
    if sum(name in MACROS for name in called) > MAX_MACROS:
        raise failed(expression, f"it uses more than {MAX_MACROS} of map, filter, all, exists, exists_one.")
    known = FUNCTIONS | MACROS.keys()
    unknown = next((name for name in called if name not in known), None)
    if unknown is not None:
        raise failed(expression, f"there is no function `{unknown}`{did_you_mean(unknown, known) or '.'}")


def _first_line(text: str) -> str:
    """The parser's own complaint without its repetition of the expression and the drawing below it."""
    _, _, complaint = text.partition("ERROR: <input>:")
    return (complaint or text).splitlines()[0][:300]


def check(expression: str, allowed: frozenset[str] | None = None) -> None:
    """Raise a `ProblemError` unless it parses and uses only names that exist where it stands."""
    known = allowed if allowed is not None else frozenset(NAMES)
    unknown = next((path[0] for path in _compiled(expression).paths() if path[0] not in known), None)
    if unknown is not None:
        raise failed(expression, f"`{unknown}` is not known here; it may use {', '.join(sorted(known))}.")


def names_in(source: str) -> frozenset[str]:
    """The names of the scope that an expression or template uses. Raises `ProblemError` like `check`."""
    return frozenset(path[0] for expression in expressions_in(source) for path in _compiled(expression).paths())


def steps_in(source: str) -> frozenset[str]:
    """Ids of the steps that it names, as far as it names them. Raises `ProblemError` like `check`."""
    paths_in = (path for expression in expressions_in(source) for path in _compiled(expression).paths())
    return frozenset(path[1] for path in paths_in if path[0] == "steps" and len(path) > 1)


def evaluate(expression: str, scope: Mapping[str, Json], work: Work | None = None) -> Json:
    """The value of the expression. Errors are `ProblemError` with code `expression_failed`."""
    program = _compiled(expression)
    try:
        return _plain(Evaluation(scope, work or Work()).run(program))
    except TooMuchWork as error:
        action = "Make it look at less: a smaller list, fewer lists inside each other, or a `map` step for each item."
        raise failed(expression, "it is too much work over values of this size.", action) from error
    except KeyError as error:
        raise failed(expression, f"there is no key {error}.") from error
    except EvaluationError as error:
        raise failed(expression, str(error)) from error
    except (RuntimeError, TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError) as error:
        raise failed(expression, _first_line(str(error))) from error


def truth(expression: str, value: Json) -> bool:
    """The value that a condition gave. Raises `ProblemError` unless it is true or false: "no" is taken for neither."""
    if not isinstance(value, bool):
        raise failed(expression, "a condition must be true or false, and this is neither; compare it with something.")
    return value


def _plain(value: Any) -> Json:
    """The value as JSON can say it. Raises `ValueError` for a number it cannot."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"the number {value} is not finite.")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _DURATION.dump_python(value, mode="json")
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        # In CEL's own order, another each time, a call that is repeated would ask something else.
        return {str(key): _plain(value[key]) for key in sorted(value, key=str)}
    if not isinstance(value, str | int | float | None):
        raise ValueError(f"it gives {type(value).__name__}, which is no JSON value.")
    return value


class Piece(NamedTuple):
    """One `${…}` of a template, and where it stands."""

    start: int
    end: int
    expression: str


@lru_cache(maxsize=1024)
def pieces_of(template: str) -> tuple[Piece, ...]:
    """Raises when a `${` is never closed."""
    found: list[Piece] = []
    start = template.find("${")
    while start >= 0:
        end = _end_of(template, start)
        found.append(Piece(start, end, template[start + 2 : end - 1].strip()))
        start = template.find("${", end)
    return tuple(found)


def _end_of(template: str, start: int) -> int:
    depth = 0
    for token in tokens(template, start + 1):
        if token.kind == "mark" and token.text in "{}":
            depth += 1 if token.text == "{" else -1
            if depth == 0:
                return token.end
    raise failed(template[start:], "a `${` is not closed, or its braces do not balance.")


def placeholders(template: str) -> list[str]:
    """The expressions inside `${…}`. Raises when a `${` is never closed."""
    return [piece.expression for piece in pieces_of(template)]


def check_template(template: str, allowed: frozenset[str] | None = None) -> None:
    """Like `check`, for each expression in it."""
    for expression in checked_placeholders(template):
        check(expression, allowed)


def checked_placeholders(template: str) -> list[str]:
    """The expressions inside, not looked at yet. Raises `ProblemError` when it is too long, or has too many."""
    if len(template) > MAX_TEMPLATE:
        raise failed(template, f"the text is longer than {MAX_TEMPLATE} characters.")
    found = placeholders(template)
    if len(found) > MAX_PLACEHOLDERS:
        raise failed(template, f"the text has {len(found)} `${{…}}`, and more than {MAX_PLACEHOLDERS} are not taken.")
    return found


def render(template: str, scope: Mapping[str, Json]) -> Json:
    """A template that is exactly one `${…}` gives the value itself; otherwise text, other values as JSON."""
    alone = _alone(template)
    return render_text(template, scope, as_text) if alone is None else evaluate(alone, scope)


def told_text(template: str, scope: Mapping[str, Json], written: Callable[[Json], str]) -> str:
    """`render` as text, each value in it as `written` says: also of a template that is one value alone."""
    alone = _alone(template)
    return render_text(template, scope, written) if alone is None else written(evaluate(alone, scope))


def _alone(template: str) -> str | None:
    """The expression of a template that is exactly one `${…}`."""
    pieces = pieces_of(template)
    if len(pieces) == 1 and template.strip() == template[pieces[0].start : pieces[0].end]:
        return pieces[0].expression
    return None


def render_text(template: str, scope: Mapping[str, Json], written: Callable[[Json], str]) -> str:
    """The text that a template gives, each value in it as `written` says."""
    return "".join(_texts(template, scope, written))


def _texts(template: str, scope: Mapping[str, Json], written: Callable[[Json], str]) -> Iterator[str]:
    work, left, copied = Work(), MAX_RENDERED - len(template), 0
    for piece in pieces_of(template):
        text = written(evaluate(piece.expression, scope, work))
        left -= len(text)
        if left < 0:
            raise failed(template, f"the text it gives is longer than {MAX_RENDERED} characters.")
        yield template[copied : piece.start]
        yield text
        copied = piece.end
    yield template[copied:]


def render_all(written: Json, scope: Mapping[str, Json]) -> Json:
    """JSON with every text in it rendered as a template."""
    if isinstance(written, str):
        return render(written, scope)
    if isinstance(written, dict):
        return {key: render_all(value, scope) for key, value in written.items()}
    return [render_all(item, scope) for item in written] if isinstance(written, list) else written


def as_text(value: Json) -> str:
    """How a value reads inside a text: strings as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def expressions_in(source: str) -> list[str]:
    """Those of a template, or the source itself, which then is one."""
    return placeholders(source) if "${" in source else [source]


@lru_cache(maxsize=4096)
def steps_used(source: str) -> frozenset[str] | None:
    """Ids of the steps an expression or template names, or None when it uses `steps` in a way that names none."""
    used: set[str] = set()
    for expression in expressions_in(source):
        for path in paths(list(tokens(expression))):
            if path[0] == "steps" and len(path) == 1:
                return None
            used.update(path[1:2] if path[0] == "steps" else ())
    return frozenset(used)
