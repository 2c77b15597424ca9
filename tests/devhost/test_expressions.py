"""Binding expressions."""

from __future__ import annotations

import re
import uuid

import pytest

from devhost.expressions import BindingData, ExpressionError, resolve, resolve_settings

DATA = BindingData(headers={"x-user": "ann"}, query={"Room": "7"}, values={"id": "i1"})


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("plain", "plain"),
        ("{headers.X-User}", "ann"),
        ("{query.room}-{id}", "7-i1"),
        ("{headers.absent}", ""),
        ("{query.absent}", ""),
    ],
)
def test_expressions(text: str, resolved: str) -> None:
    assert resolve(text, DATA) == resolved


def test_generated_values() -> None:
    assert resolve("{rand-guid}", DATA) != resolve("{rand-guid}", DATA)
    uuid.UUID(resolve("{rand-guid}", DATA))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ", resolve("{DateTime}", DATA))


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ExpressionError, match=r"\{other\} has no value here \(values: id\)"):
        resolve("{other}", DATA)


def test_settings_in_nested_properties() -> None:
    assert resolve_settings(["%A%-%B%", 5, "100%"], {"A": "a", "B": "b"}) == ["a-b", 5, "100%"]
    with pytest.raises(ExpressionError, match="'A' that %A% refers to is not set"):
        resolve_settings("%A%", {})
