"""What differs between two JSON values."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.changes import EXCERPT, MOST, changes
from domain.values import Json

SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab/~", max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "id", "~/"]), inner),
    max_leaves=12,
)


def found(left: Json, right: Json) -> list[tuple[str, str, Json, Json]]:
    return [(change.kind, change.pointer, change.left, change.right) for change in changes(left, right).items]


def at(value: Any, pointer: str) -> Json:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


@given(VALUES, VALUES)
def test_every_change_is_where_it_says_and_none_is_missed(left: Json, right: Json) -> None:
    listed = found(left, right)
    assert bool(listed) == (json.dumps(left, sort_keys=True) != json.dumps(right, sort_keys=True))
    for kind, pointer, mine, theirs in listed:
        if kind == "removed":
            assert at(left, pointer) == mine
        else:
            assert at(right, pointer) == theirs
        if kind == "changed":
            assert json.dumps(mine) != json.dumps(theirs)


@given(VALUES)
def test_a_value_does_not_differ_from_itself(value: Json) -> None:
    assert found(value, value) == []


def test_keys() -> None:
    left, right = {"a": 1, "b": 2, "same": 0}, {"b": 3, "c/d": 4, "same": 0}
    assert found(left, right) == [
        ("removed", "/a", 1, None),
        ("changed", "/b", 2, 3),
        ("added", "/c~1d", None, 4),
    ]


def test_true_is_not_one() -> None:
    assert found({"a": [True]}, {"a": [1]}) == [("changed", "/a/0", True, 1)]


def test_an_item_put_into_a_list_is_one_change() -> None:
    assert found([1, 2, 3], [1, 9, 2, 3]) == [("added", "/1", None, 9)]
    assert found([1, 2, 3], [1, 3]) == [("removed", "/1", 2, None)]


def test_items_with_an_id_are_told_apart_by_it() -> None:
    left = [{"id": "a", "x": 1}, {"id": "gone"}]
    right = [{"id": "new"}, {"id": "a", "x": 2}]
    assert found(left, right) == [
        ("changed", "/1/x", 1, 2),
        ("removed", "/1", {"id": "gone"}, None),
        ("added", "/0", None, {"id": "new"}),
    ]


def test_of_long_texts_the_place_that_differs_is_shown() -> None:
    same = "word " * 500
    (change,) = changes(same + "left", same + "right").items
    assert change.left.startswith("…")
    assert (change.left.endswith("left"), change.right.endswith("right")) == (True, True)
    (change,) = changes("", "x" * 1_000).items
    assert (change.left, change.right) == ("", "x" * EXCERPT + "…")


def test_more_than_help_are_counted() -> None:
    listed = changes({}, {str(number): number for number in range(MOST + 7)})
    assert (len(listed.items), listed.left_out) == (MOST, 7)
