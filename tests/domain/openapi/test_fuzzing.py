"""Whatever is sent as an OpenAPI document, or offered as a schema, is taken, or refused with a reason."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.openapi import DocumentError, imported, standing_alone
from domain.tools import Tool
from domain.validation import check_tool

PETS = yaml.safe_load(Path(__file__).with_name("petstore.yaml").read_text("utf-8"))
WORDS = [
    "openapi", "paths", "/a/{b}", "get", "post", "parameters", "name", "in", "path", "query", "header", "schema",
    "$ref", "requestBody", "content", "application/json", "components", "schemas", "securitySchemes", "security",
    "servers",
    "url", "variables", "default", "operationId", "type", "object", "array", "items", "properties", "allOf", "required",
    "enum", "nullable", "pattern", "$defs", "$id", "readOnly", "exclusiveMinimum", "minimum", "description", "b",
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from([*WORDS, "3.0.0", "#", "#/", "#/paths/~1a", "#/components/schemas/b", "#b", "x.yaml#/"]),
    st.text(max_size=6),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=15,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where all the parts of a value are."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, child in children for place in places(child, (*at, key)))]


PLACES = [place for place in places(PETS) if place]


def check(document: Any) -> None:
    try:
        made = imported(document, server="https://api.example.com")
    except DocumentError:
        return
    for tool in made.tools:
        assert not check_tool(Tool.model_validate(json.loads(json.dumps(tool)))).errors
    assert all(left.reason for left in (*made.left, *made.notes))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=4))
def test_a_document_with_anything_anywhere(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    document = copy.deepcopy(PETS)
    for place, value in changes:
        here = document
        try:
            for part in place[:-1]:
                here = here[part]
            here[place[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has taken it away
    check(document)


@settings(max_examples=80, deadline=None)
@given(VALUES, VALUES)
def test_a_document_of_anything(paths: Any, components: Any) -> None:
    check({"openapi": "3.1.0", "paths": paths, "components": components})
    check(paths)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_a_schema_of_anything(schema: dict[str, Any]) -> None:
    try:
        made, _ = standing_alone(schema)
    except DocumentError:
        return
    assert made["type"] == "object"
    json.dumps(made, allow_nan=False)
