"""Operators. What is undefined makes the result undefined, but where the other side decides alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cosmos.sql.values import UNDEFINED, Value, is_equal, is_number, order_key, rank


def negation(value: Value) -> Value:
    return not value if isinstance(value, bool) else UNDEFINED


def minus(value: Value) -> Value:
    return -value if is_number(value) else UNDEFINED


def equality(left: Value, right: Value) -> Value:
    return UNDEFINED if left is UNDEFINED or right is UNDEFINED else is_equal(left, right)


def inequality(left: Value, right: Value) -> Value:
    return UNDEFINED if left is UNDEFINED or right is UNDEFINED else not is_equal(left, right)


def _ordering(holds: Callable[[Any, Any], bool]) -> Callable[[Value, Value], Value]:
    def compare(left: Value, right: Value) -> Value:
        if isinstance(left, str) and isinstance(right, str):
            return holds(left, right)
        place = rank(left)
        if place != rank(right) or place == 0:
            return UNDEFINED  # values of different types are not compared
        return holds(order_key(left), order_key(right))

    return compare


def _arithmetic(apply: Callable[[Any, Any], Any]) -> Callable[[Value, Value], Value]:
    def compute(left: Value, right: Value) -> Value:
        if not is_number(left) or not is_number(right):
            return UNDEFINED
        try:
            return apply(left, right)
        except ArithmeticError:
            return UNDEFINED

    return compute


def _joined(left: Value, right: Value) -> Value:
    return left + right if isinstance(left, str) and isinstance(right, str) else UNDEFINED


def _quotient(left: Any, right: Any) -> Any:
    found = left / right
    return int(found) if found == int(found) else found


BINARY: dict[str, Callable[[Value, Value], Value]] = {
    "=": equality,
    "!=": inequality,
    "<": _ordering(lambda left, right: left < right),
    "<=": _ordering(lambda left, right: left <= right),
    ">": _ordering(lambda left, right: left > right),
    ">=": _ordering(lambda left, right: left >= right),
    "+": _arithmetic(lambda left, right: left + right),
    "-": _arithmetic(lambda left, right: left - right),
    "*": _arithmetic(lambda left, right: left * right),
    "/": _arithmetic(_quotient),
    "%": _arithmetic(lambda left, right: left % right),
    "||": _joined,
}


def member(target: Value, key: Value) -> Value:
    if isinstance(target, dict):
        return target.get(key, UNDEFINED) if isinstance(key, str) else UNDEFINED
    if isinstance(target, list) and is_number(key) and 0 <= key < len(target) and key == int(key):
        return target[int(key)]
    return UNDEFINED
