"""What differs between two JSON values: pointers to the places, and what stands there on each side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any, Literal

from pydantic import Field

from domain.base import Shape
from domain.validation import pointer
from domain.values import Json

MOST = 200
"""More changes than this help nobody."""
EXCERPT = 400
"""Characters of a value that are shown."""
_LEAD = 40
"""Characters of an excerpt before the first that differs."""

_ABSENT: Json = object()
_Place = tuple[str | int, ...]


class Change(Shape):
    """One difference. `pointer` leads into the right value; where something was removed, into the left one."""

    pointer: str
    kind: Literal["added", "removed", "changed"]
    left: Any = Field(default=None, description="What is there; of long texts an excerpt around what differs.")
    right: Any = None


class Changes(Shape):
    """The first differences between two values, and how many more there are."""

    items: tuple[Change, ...] = ()
    left_out: int = 0


def changes(left: Json, right: Json) -> Changes:
    """In the order of the left value. Items of lists are told apart by their `id`, where all have one."""
    found = _walk((), left, right)
    items = tuple(_change(*each) for each in islice(found, MOST))
    return Changes(items=items, left_out=sum(1 for _ in found))


def _change(place: _Place, left: Json, right: Json) -> Change:
    if left is _ABSENT:
        return Change(pointer=pointer(place), kind="added", right=excerpt(right))
    if right is _ABSENT:
        return Change(pointer=pointer(place), kind="removed", left=excerpt(left))
    begin = _first_difference(left, right) if isinstance(left, str) and isinstance(right, str) else 0
    shown = {"left": excerpt(left, begin), "right": excerpt(right, begin)}
    return Change(pointer=pointer(place), kind="changed", **shown)


def _walk(place: _Place, left: Json, right: Json) -> Iterator[tuple[_Place, Json, Json]]:
    if isinstance(left, dict) and isinstance(right, dict):
        parts = [(key, left.get(key, _ABSENT), right.get(key, _ABSENT)) for key in {**left, **right}]
    elif isinstance(left, list) and isinstance(right, list):
        parts = _by_id(left, right) if _have_ids(left) and _have_ids(right) else _by_place(left, right)
    else:
        if not _equal(left, right):
            yield place, left, right
        return
    for part, mine, theirs in parts:
        yield from _walk((*place, part), mine, theirs)


def _by_place(left: list[Json], right: list[Json]) -> list[tuple[str | int, Json, Json]]:
    """What is equal at both ends belongs together; so does what has the same place in between."""
    shorter = min(len(left), len(right))
    begin = end = 0
    while begin < shorter and _equal(left[begin], right[begin]):
        begin += 1
    while end < shorter - begin and _equal(left[-1 - end], right[-1 - end]):
        end += 1
    between = zip_longest(left[begin : len(left) - end], right[begin : len(right) - end], fillvalue=_ABSENT)
    return [(at, mine, theirs) for at, (mine, theirs) in enumerate(between, start=begin)]


def _by_id(left: list[Json], right: list[Json]) -> list[tuple[str | int, Json, Json]]:
    places = {item["id"]: at for at, item in enumerate(right)}
    known = {item["id"] for item in left}
    parts: list[tuple[str | int, Json, Json]] = []
    for at, item in enumerate(left):
        there = places.get(item["id"])
        parts.append((at, item, _ABSENT) if there is None else (there, item, right[there]))
    return parts + [(at, _ABSENT, item) for at, item in enumerate(right) if item["id"] not in known]


def _have_ids(items: list[Json]) -> bool:
    ids = [item.get("id") if isinstance(item, dict) else None for item in items]
    return all(isinstance(id, str) for id in ids) and len(set(ids)) == len(ids)


def _equal(left: Json, right: Json) -> bool:
    """As JSON: to Python, true is 1."""
    if left is _ABSENT or right is _ABSENT:
        return False
    return bool(left == right) and _compact(left) == _compact(right)


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def excerpt(value: Json, begin: int = 0) -> Json:
    """The value itself when it is short, else some of its text from `begin` on."""
    text = value if isinstance(value, str) else _compact(value)
    if len(text) <= EXCERPT:
        return value
    return ("…" if begin else "") + text[begin : begin + EXCERPT] + ("…" if begin + EXCERPT < len(text) else "")


def _first_difference(left: str, right: str) -> int:
    """Shortly before the first character that differs."""
    shorter = min(len(left), len(right))
    first = next((at for at in range(shorter) if left[at] != right[at]), shorter)
    return max(0, first - _LEAD)
