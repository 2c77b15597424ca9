"""The built-in functions that are known here, each of values that are already computed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from tests.cosmos.sql import fulltext
from tests.cosmos.sql.values import UNDEFINED, Value, is_equal, is_number, order_key

Function = Callable[..., Value]


def _of_strings(apply: Callable[..., Any]) -> Function:
    return lambda *given: apply(*given) if all(isinstance(one, str) for one in given) else UNDEFINED


def _of_numbers(apply: Callable[..., Any]) -> Function:
    return lambda *given: apply(*given) if all(map(is_number, given)) else UNDEFINED


def _matching(holds: Callable[[str, str], bool]) -> Function:
    """A test of one string by another, whose third argument says that case does not count."""

    def test(text: Value, sought: Value, any_case: Value = False) -> Value:
        if not isinstance(text, str) or not isinstance(sought, str):
            return UNDEFINED
        return holds(text.lower(), sought.lower()) if any_case is True else holds(text, sought)

    return test


def _array_contains(values: Value, sought: Value, partly: Value = False) -> Value:
    if not isinstance(values, list) or sought is UNDEFINED:
        return UNDEFINED
    return any(is_equal(value, sought) or (partly is True and _has(value, sought)) for value in values)


def _has(value: Value, sought: Value) -> bool:
    if not isinstance(value, dict) or not isinstance(sought, dict):
        return False
    return all(key in value and is_equal(value[key], wanted) for key, wanted in sought.items())


def _like(text: Value, pattern: Value, escape: Value) -> Value:
    if not isinstance(text, str) or not isinstance(pattern, str):
        return UNDEFINED
    return re.fullmatch(_expression_of(pattern, str(escape)), text, re.DOTALL) is not None


def _expression_of(pattern: str, escape: str) -> str:
    found = ""
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            found += re.escape(next(characters, ""))
        else:
            found += {"%": ".*", "_": "."}.get(character) or re.escape(character)
    return found


def _length(value: Value) -> Value:
    return len(value) if isinstance(value, str) else UNDEFINED


def _substring(text: Value, start: Value, length: Value) -> Value:
    if not isinstance(text, str) or not is_number(start) or not is_number(length):
        return UNDEFINED
    return text[max(int(start), 0) : max(int(start), 0) + max(int(length), 0)]


def _to_string(value: Value) -> Value:
    return value if value is UNDEFINED or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _array_concat(*arrays: Value) -> Value:
    return [*chain(*arrays)] if all(isinstance(one, list) for one in arrays) else UNDEFINED


def _slice(values: Value, start: Value, length: Value = None) -> Value:
    if not isinstance(values, list) or not is_number(start):
        return UNDEFINED
    first = int(start) if start >= 0 else max(len(values) + int(start), 0)
    return values[first:] if length is None else values[first : first + int(length)]


FUNCTIONS: dict[str, Function] = {
    "CONTAINS": _matching(lambda text, sought: sought in text),
    "STARTSWITH": _matching(str.startswith),
    "ENDSWITH": _matching(str.endswith),
    "STRINGEQUALS": _matching(str.__eq__),
    "LIKE": _like,
    "LOWER": _of_strings(str.lower),
    "UPPER": _of_strings(str.upper),
    "TRIM": _of_strings(str.strip),
    "LENGTH": _length,
    "CONCAT": _of_strings(lambda *parts: "".join(parts)),
    "SUBSTRING": _substring,
    "INDEX_OF": _of_strings(lambda text, sought: text.find(sought)),
    "REPLACE": _of_strings(lambda text, old, new: text.replace(old, new)),
    "TOSTRING": _to_string,
    "ARRAY_CONTAINS": _array_contains,
    "ARRAY_LENGTH": lambda value: len(value) if isinstance(value, list) else UNDEFINED,
    "ARRAY_SLICE": _slice,
    "ARRAY_CONCAT": _array_concat,
    "IS_DEFINED": lambda value: value is not UNDEFINED,
    "IS_NULL": lambda value: value is None,
    "IS_STRING": lambda value: isinstance(value, str),
    "IS_NUMBER": is_number,
    "IS_BOOL": lambda value: isinstance(value, bool),
    "IS_ARRAY": lambda value: isinstance(value, list),
    "IS_OBJECT": lambda value: isinstance(value, dict),
    "IS_PRIMITIVE": lambda value: value is not UNDEFINED and not isinstance(value, list | dict),
    "ABS": _of_numbers(abs),
    "CEILING": _of_numbers(math.ceil),
    "FLOOR": _of_numbers(math.floor),
    "ROUND": _of_numbers(lambda value: math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)),
    "SQRT": _of_numbers(lambda value: math.sqrt(value) if value >= 0 else UNDEFINED),
    "UNDEFINED": lambda: UNDEFINED,
    "FULLTEXTCONTAINS": fulltext.contains,
    "FULLTEXTCONTAINSALL": fulltext.contains_all,
    "FULLTEXTCONTAINSANY": fulltext.contains_any,
    "_FULLTEXTWORDCOUNT": fulltext.word_count,
    "_FULLTEXTSCORE": fulltext.score,
}


def _defined(values: Sequence[Value]) -> list[Value]:
    return [value for value in values if value is not UNDEFINED]


def _sum(values: Sequence[Value]) -> Value:
    defined = _defined(values)
    return sum(defined) if all(map(is_number, defined)) else UNDEFINED


def _average(values: Sequence[Value]) -> Value:
    defined = _defined(values)
    if not defined or not all(map(is_number, defined)):
        return UNDEFINED
    found = sum(defined) / len(defined)
    return int(found) if found == int(found) else found


AGGREGATES: dict[str, Callable[[Sequence[Value]], Value]] = {
    "COUNT": lambda values: len(_defined(values)),
    "COUNTIF": lambda values: sum(value is True for value in values),
    "SUM": _sum,
    "AVG": _average,
    "MIN": lambda values: min(_defined(values), key=order_key, default=UNDEFINED),
    "MAX": lambda values: max(_defined(values), key=order_key, default=UNDEFINED),
}


def nearness(left: Value, right: Value, by: str) -> Value:
    """VectorDistance: similarity for `cosine` and `dotproduct`, distance for `euclidean`."""
    if not isinstance(left, list) or not isinstance(right, list) or len(left) != len(right) or not left:
        return UNDEFINED
    if not all(map(is_number, left)) or not all(map(is_number, right)):
        return UNDEFINED
    if by == "euclidean":
        return math.dist(left, right)
    product = sum(a * b for a, b in zip(left, right, strict=True))
    if by == "dotproduct":
        return product
    lengths = math.sqrt(sum(a * a for a in left)) * math.sqrt(sum(b * b for b in right))
    return product / lengths if lengths else 0.0
