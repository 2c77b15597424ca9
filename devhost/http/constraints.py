"""The inline constraints of ASP.NET route templates that a value of text can be held against."""

from __future__ import annotations

import operator
import re
import uuid
from collections.abc import Callable
from datetime import datetime

Check = Callable[[str], bool]

# As .NET reads numbers, not as Python does: with thousands' commas, without underscores.
_DECIMAL = r"[+-]?([0-9][0-9,]*(\.[0-9]*)?|\.[0-9]+)"
_DOUBLE = rf"{_DECIMAL}([eE][+-]?[0-9]+)?"

_RULE = re.compile(r"(?P<name>[a-zA-Z]+)(?:\((?P<argument>.*)\))?$", re.DOTALL)


def make_check(rule: str) -> Check:
    """The check of one rule such as `int` or `range(1,9)`. Raises `ValueError` for a rule that is not known."""
    found = _RULE.match(rule)
    if found is None:
        raise ValueError(f"'{rule}' is not a route constraint")
    name, argument = found["name"].lower(), found["argument"]
    if argument is None and name in _PLAIN:
        return _PLAIN[name]
    if argument is not None and name in _WITH_ARGUMENT:
        return _WITH_ARGUMENT[name](argument)
    raise ValueError(f"'{rule}' is not a route constraint this host knows")


def _integer(bits: int) -> Check:
    limit = 2 ** (bits - 1)
    return lambda text: re.fullmatch(r"[+-]?[0-9]{1,20}", text) is not None and -limit <= int(text) < limit


def _parses(parse: Callable[[str], object]) -> Check:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _number(compare: Callable[[int], bool]) -> Check:
    is_long = _integer(64)
    return lambda text: is_long(text) and compare(int(text))


def _length(argument: str) -> Check:
    bounds = [int(part) for part in argument.split(",")]
    return lambda text: bounds[0] <= len(text) <= bounds[-1]


def _bound(compare: Callable[[int, int], bool], measure: Callable[[str], int] | None = None) -> Callable[[str], Check]:
    """A constraint of one whole number: on the value, or on what `measure` says of the text."""

    def make(argument: str) -> Check:
        bound = int(argument)
        if measure is None:
            return _number(lambda value: compare(value, bound))
        return lambda text: compare(measure(text), bound)

    return make


def _range(argument: str) -> Check:
    low, high = (int(part) for part in argument.split(","))
    return _number(lambda value: low <= value <= high)


def _regex(argument: str) -> Check:
    try:
        pattern = re.compile(argument, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"'{argument}' is not a regular expression: {error}") from error
    return lambda text: pattern.search(text) is not None


_PLAIN: dict[str, Check] = {
    "int": _integer(32),
    "long": _integer(64),
    "bool": lambda text: text.lower() in ("true", "false"),
    "datetime": _parses(datetime.fromisoformat),
    "decimal": _matches(_DECIMAL),
    "double": _matches(_DOUBLE),
    "float": _matches(_DOUBLE),
    "guid": _parses(uuid.UUID),
    "alpha": _matches("[a-zA-Z]+"),
    "required": bool,
}
_WITH_ARGUMENT: dict[str, Callable[[str], Check]] = {
    "minlength": _bound(operator.ge, len),
    "maxlength": _bound(operator.le, len),
    "length": _length,
    "min": _bound(operator.ge),
    "max": _bound(operator.le),
    "range": _range,
    "regex": _regex,
}
