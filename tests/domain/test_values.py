"""Values: small ones travel inline, large ones by reference, and both read back the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain import values

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def never(event_id: str) -> Any:
    raise AssertionError(event_id)


@given(JSON)
def test_inline_values_read_back_even_when_they_look_like_values(value: Any) -> None:
    assert values.resolve(values.inline(value), never) == value
    assert values.resolve(values.inline({"r": "x", "p": [], "v": value}), never) == {"r": "x", "p": [], "v": value}


@given(st.dictionaries(st.text(), JSON, max_size=4), st.sets(st.text(), max_size=3))
def test_objects_mix_inline_and_recorded_parts(parts: dict[str, Any], large: set[str]) -> None:
    held = {key: values.reference(key) if key in large else values.inline(part) for key, part in parts.items()}
    whole = values.of_object(held)
    assert values.resolve(whole, parts.__getitem__) == parts
    assert values.references_in(whole) == large & parts.keys()


def test_a_list_keeps_its_order_and_its_references() -> None:
    whole = values.of_list([values.inline(1), values.reference("e", ["items", 1]), values.inline(3)])
    assert values.resolve(whole, {"e": {"items": [10, 20]}}.__getitem__) == [1, 20, 3]
    assert values.references_in(whole) == {"e"}


def test_what_is_all_inline_stays_one_inline_value() -> None:
    assert values.of_list([values.inline(1), values.inline("b")]) == {"v": [1, "b"]}
    assert values.of_object({"a": values.inline(1)}) == {"v": {"a": 1}}


def test_the_limit_counts_bytes_not_characters() -> None:
    fits, too_long = "é" * (values.INLINE_BYTES // 2 - 1), "é" * (values.INLINE_BYTES // 2)
    assert values.recorded(fits, "e") == {"v": fits}
    assert values.recorded(too_long, "e") == {"r": "e", "p": []}
