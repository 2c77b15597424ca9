"""The values of queries: those of JSON, and `UNDEFINED` for what is not there; how they compare."""

from __future__ import annotations

import json
from typing import Any

Value = Any
"""A JSON value or `UNDEFINED`."""


class Undefined:
    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED = Undefined()


def rank(value: Value) -> int:
    """The place of the value's type in the order of types: undefined, null, booleans, numbers, strings, arrays…"""
    if isinstance(value, str):
        return 4
    if isinstance(value, bool):
        return 2
    if isinstance(value, int | float):
        return 3
    if value is None:
        return 1
    if isinstance(value, list):
        return 5
    return 6 if isinstance(value, dict) else 0


def order_key(value: Value) -> tuple[int, Any]:
    """What values are sorted by. Arrays and objects are in an order, but in none that is documented."""
    place = rank(value)
    if place in (2, 3, 4):
        return place, value
    return place, json.dumps(value, sort_keys=True) if place > 4 else 0


def is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_equal(left: Value, right: Value) -> bool:
    """Of the same type and the same; True is no number, in whatever it lies."""
    if rank(left) != rank(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(is_equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(is_equal(value, right[key]) for key, value in left.items())
    return bool(left == right)
