"""Ids and bodies in the forms that Cosmos DB keeps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.documents.cosmos_items import (
    HEAD,
    SELECTED,
    Content,
    body_of,
    flag_name,
    id_of,
    item_id,
    plain,
    sort_key,
)

ROOT = Path(__file__).parents[3]

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40) | st.text(
    "~!/%.\\\x00é\U0001f680", max_size=8
)


@given(ANY_TEXT, ANY_TEXT)
def test_keys_are_in_the_order_of_code_points_and_lead_back(one: str, other: str) -> None:
    assert (sort_key(one) < sort_key(other)) == (one < other)
    assert id_of(sort_key(one)) == one
    assert sort_key(one).isascii()


@given(st.lists(ANY_TEXT | ANY_TEXT.map(lambda text: text * 100), unique=True, max_size=20))
def test_names_of_items_are_short_and_harmless_and_one_for_each_id(ids: list[str]) -> None:
    names = [item_id(id) for id in ids]
    assert len({*names, HEAD}) == len(ids) + 1
    assert all(re.fullmatch(r"[A-Za-z0-9_:~-]{1,255}", name) for name in names)
    assert all(re.fullmatch("[a-z0-9]+", flag_name(id)) for id in ids)


@pytest.mark.parametrize(
    ("body", "as_text"),
    [
        ({}, False),
        ({"text": "é\U0001f680\n", "n": 10**15 - 1, "f": 0.30000000000000004, "list": [None, True]}, False),
        ({"digits in text": "1234567890123456789"}, False),
        ({"n": 2**53 + 1}, True),
        ({"list": [1, -(2**64)]}, True),
        ({"text": "\x00"}, True),
        ({"\ud800": 1}, True),
        ({"text": "\ufdd0"}, True),
    ],
)
def test_bodies_are_json_where_cosmos_db_keeps_it_exactly(body: dict[str, Any], as_text: bool) -> None:
    content = Content.of(body)
    assert (content.text is not None) == as_text
    for item in ({"key": "k", **content.of_document()}, {"at": 1, **content.of_entry()}):
        assert body_of(item) == body


def test_depth_is_what_counts_and_not_how_much_there_is() -> None:
    deep: Any = 1
    for _ in range(120):
        deep = [deep]
    assert Content.of({"wide": [[number] for number in range(500)]}).text is None
    assert Content.of({"deep": deep}).text is not None


@given(ANY_TEXT, ANY_TEXT)
def test_what_is_selected_by_is_told_apart(one: str, other: str) -> None:
    assert (plain(one) == plain(other)) == (one == other)
    plain(one).encode()


def test_what_the_code_selects_by_has_an_index() -> None:
    rooms = [path for room in ("services", "api", "activities") for path in (ROOT / room).rglob("*.py")]
    texts = [path.read_text("utf-8") for path in rooms]
    text = "\n".join(text for text in texts if "where=" in text)
    literals = re.findall(r"_?where(?:: [^\n=]*)? ?= ?\{([^}\n]*)\}", text)
    fields = {field for literal in literals for field in re.findall(r'"(\w+)":', literal)}
    fields |= set(re.findall(r'where\["(\w+)"\]', text))
    assert fields == set(SELECTED)


def test_of_a_body_that_is_text_the_fields_to_select_by_are_there() -> None:
    content = Content.of({"kind": "x", "n": 1, "big": 2**70, "odd": "\x00", "nested": {"a": 1}, "yes": True})
    assert set(content.body) == {"kind", "n", "odd", "yes"}
    assert content.body["odd"] == plain("\x00") != "\x00"
