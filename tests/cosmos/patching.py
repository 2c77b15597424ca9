"""Partial changes of an item.

https://learn.microsoft.com/azure/cosmos-db/partial-document-update
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.cosmos.errors import bad_request
from tests.cosmos.limits import MOST_PATCHES
from tests.cosmos.sql.values import is_number


def patched(body: dict[str, Any], operations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The same object, changed. Raises `CosmosError` 400."""
    if not operations or len(operations) > MOST_PATCHES:
        raise bad_request(f"A patch has from 1 to {MOST_PATCHES} operations.")
    for operation in operations:
        _apply(body, operation)
    return body


def _apply(body: dict[str, Any], operation: dict[str, Any]) -> None:
    kind, path = operation.get("op"), operation.get("path", "")
    if not path.startswith("/") or path in ("/id", "/_etag", "/_rid", "/_ts", "/_self"):
        raise bad_request(f"The path '{path}' cannot be patched.")
    target, last = _target(body, path)
    if kind in ("add", "set", "replace"):
        _put(target, last, _given(operation, "value"), str(kind))
    elif kind == "remove":
        _take(target, last)
    elif kind == "incr":
        _increase(target, last, _given(operation, "value"))
    elif kind == "move":
        source, first = _target(body, str(_given(operation, "from")))
        value = _take(source, first)
        _put(*_target(body, path), value, "set")
    else:
        raise bad_request(f"'{kind}' is no operation of a patch.")


def _given(operation: dict[str, Any], name: str) -> Any:
    if name not in operation:
        raise bad_request(f"The operation has no '{name}'.")
    return operation[name]


def _target(body: dict[str, Any], path: str) -> tuple[Any, str]:
    """What holds the value, and its name or place in there."""
    *names, last = [name.replace("~1", "/").replace("~0", "~") for name in path.split("/")[1:]]
    target: Any = body
    for name in names:
        target = _get(target, name)
    if not isinstance(target, dict | list):
        raise bad_request(f"Nothing at '{path}' can hold a value.")
    return target, last


def _get(target: Any, name: str) -> Any:
    if isinstance(target, dict) and name in target:
        return target[name]
    if isinstance(target, list) and name.isdecimal() and int(name) < len(target):
        return target[int(name)]
    raise bad_request(f"There is no '{name}' on the way to what is to be patched.")


def _put(target: Any, last: str, value: Any, kind: str) -> None:
    if isinstance(target, dict):
        if kind == "replace" and last not in target:
            raise bad_request(f"There is no '{last}' to be replaced.")
        target[last] = value
        return
    place = len(target) if last == "-" else int(last) if last.isdecimal() else len(target) + 1
    if place > len(target) or (kind != "add" and place == len(target) and last != "-"):
        raise bad_request(f"'{last}' is no place of the array.")
    if kind == "add" or place == len(target):
        target.insert(place, value)
    else:
        target[place] = value


def _take(target: Any, last: str) -> Any:
    value = _get(target, last)
    del target[last if isinstance(target, dict) else int(last)]
    return value


def _increase(target: Any, last: str, by: Any) -> None:
    there = target.get(last, 0) if isinstance(target, dict) else _get(target, last)
    if not is_number(there) or not is_number(by):
        raise bad_request("Only a number can be increased, and by a number.")
    target[last if isinstance(target, dict) else int(last)] = there + by
