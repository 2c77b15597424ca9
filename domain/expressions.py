"""Expressions (CEL) alone, and inside `${…}` in text.

CEL is typed, has no loops and no I/O, so an expression of any tenant is safe to evaluate: the sizes below bound the one
way to burn time, nested macros over long lists.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from domain.errors import Code, Fault, Problem, ProblemError
from domain.values import Json

# Its package brings a whole command line with it, so it is imported at the first expression.
if TYPE_CHECKING:
    import cel

MAX_LENGTH = 2_000
"""Characters of one expression."""
MAX_MACROS = 2
"""How many `map`, `filter`, `all`, `exists`, `exists_one` one expression may use."""
MAX_TEMPLATE = 64_000
"""Characters of one template."""
MAX_RENDERED = 4_000_000
"""Characters of the text it gives: more than any model reads, and little enough to hold in memory."""

NAMES = ("input", "steps", "item", "index", "execution", "chat", "round", "arguments")
"""What an expression can ever see; where it stands decides which of them are there."""

_MACRO = re.compile(r"\.\s*(map|filter|all|exists|exists_one)\s*\(")
_LISTING = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\.\s*(?=(?:map|filter)\s*\()""")
"""A string, to be left alone, or the dot before a macro that makes a list."""
_PLACEHOLDER = re.compile(r"\$\{((?:[^{}\"']|\"[^\"]*\"|'[^']*'|\{[^{}]*\})*)\}")
_STEP = re.compile(r"\bsteps\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(?:\"([^\"]+)\"|'([^']+)')\s*\])")
_STEPS_ANYHOW = re.compile(r"\bsteps\b")
_DURATION = TypeAdapter(timedelta)


def failed(expression: str, why: str) -> ProblemError:
    return ProblemError(
        Problem(
            code=Code.EXPRESSION_FAILED,
            message=f"The expression `{expression[:200]}` failed: {why}",
            action="Correct the expression; docs/workflow-language.md lists what expressions can see.",
            fault=Fault.AUTHOR,
        )
    )


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> cel.Program:
    import cel  # noqa: PLC0415

    if len(expression) > MAX_LENGTH:
        raise failed(expression, f"it is longer than {MAX_LENGTH} characters.")
    if len(_MACRO.findall(expression)) > MAX_MACROS:
        raise failed(expression, f"it uses more than {MAX_MACROS} of map, filter, all, exists, exists_one.")
    try:
        cel.compile(expression)  # for complaints that count columns as its author does
        return cel.compile(_LISTING.sub(lambda found: found[1] or "._ordered().", expression))
    except ValueError as error:
        raise failed(expression, _first_line(str(error))) from error


def _ordered(collection: Json) -> Json:
    """What `map` and `filter` go through: of an object its keys, which CEL would give in another order each time."""
    return sorted(collection, key=str) if isinstance(collection, dict) else collection


def _first_line(text: str) -> str:
    """The parser's own complaint without its repetition of the expression and the drawing below it."""
    _, _, complaint = text.partition("ERROR: <input>:")
    return (complaint or text).splitlines()[0][:300]


def check(expression: str, allowed: frozenset[str] | None = None) -> None:
    """Raise a `ProblemError` unless it parses and uses only names that exist where it stands."""
    program = _compiled(expression)
    known = allowed if allowed is not None else frozenset(NAMES)
    bound_by_macros = set(re.findall(r"\(\s*([A-Za-z_]\w*)\s*,", expression))
    unknown = [name for name in program.variables() if name not in known and name not in bound_by_macros]
    if unknown:
        raise failed(expression, f"`{unknown[0]}` is not known here; it may use {', '.join(sorted(known))}.")


def evaluate(expression: str, scope: Mapping[str, Json]) -> Json:
    """The value of the expression. Errors are `ProblemError` with code `expression_failed`."""
    import cel  # noqa: PLC0415

    program = _compiled(expression)
    try:
        return _plain(program.execute(cel.Context(dict(scope), {"_ordered": _ordered})))
    except KeyError as error:
        raise failed(expression, f"there is no key {error}.") from error
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
    return value


def placeholders(template: str) -> list[str]:
    """The expressions inside `${…}`. Raises when a `${` is never closed."""
    found = [match.group(1).strip() for match in _PLACEHOLDER.finditer(template)]
    if len(found) != template.count("${"):
        raise failed(template, "a `${` is not closed, or its braces do not balance.")
    return found


def check_template(template: str, allowed: frozenset[str] | None = None) -> None:
    if len(template) > MAX_TEMPLATE:
        raise failed(template, f"the text is longer than {MAX_TEMPLATE} characters.")
    for expression in placeholders(template):
        check(expression, allowed)


def render(template: str, scope: Mapping[str, Json]) -> Json:
    """A template that is exactly one `${…}` gives the value itself; otherwise text, other values as JSON."""
    whole = _PLACEHOLDER.fullmatch(template.strip())
    return evaluate(whole.group(1).strip(), scope) if whole else render_text(template, scope, as_text)


def render_text(template: str, scope: Mapping[str, Json], written: Callable[[Json], str]) -> str:
    """The text that a template gives, each value in it as `written` says."""
    left = MAX_RENDERED - len(template)

    def filled(match: re.Match[str]) -> str:
        nonlocal left
        text = written(evaluate(match.group(1).strip(), scope))
        left -= len(text)
        if left < 0:
            raise failed(template, f"the text it gives is longer than {MAX_RENDERED} characters.")
        return text

    return _PLACEHOLDER.sub(filled, template)


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


def steps_used(source: str) -> set[str] | None:
    """Ids of the steps an expression or template names, or None when it uses `steps` in a way that names none."""
    expressions = placeholders(source) if "${" in source else [source]
    used: set[str] = set()
    for expression in expressions:
        named = [a or b or c for a, b, c in _STEP.findall(expression)]
        if len(named) < len(_STEPS_ANYHOW.findall(expression)):
            return None
        used.update(named)
    return used
