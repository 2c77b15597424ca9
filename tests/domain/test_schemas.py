"""JSON Schemas of authors: what is refused, what a value is told, and that neither can hold the process up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from domain.validation import check_schema, check_value
from domain.work import Work


class TestSchemas:
    def test_values_are_checked_with_paths(self) -> None:
        schema = {"required": ["it's", "b"], "properties": {"list": {"items": {"type": "integer"}}}}
        found = check_value({"list": [1, "x"]}, schema)
        assert found == [
            (("it's",), "this key is needed"),
            (("b",), "this key is needed"),
            (("list", 1), "'x' is not of type 'integer'"),
        ]

    def test_local_references_work_and_endless_ones_are_refused(self) -> None:
        assert check_schema({"$defs": {"t": {"type": "string"}}, "$ref": "#/$defs/t"}) == []
        assert check_value("x", {"$defs": {"t": {"type": "string"}}, "$ref": "#/$defs/t"}) == []
        assert "without end" in check_value({}, {"$ref": "#"})[0][1]

    def test_a_reference_that_leads_nowhere_is_found(self) -> None:
        assert check_schema({"properties": {"a": {"$ref": "#/x"}}})[0][0] == ("properties", "a", "$ref")

    def test_a_long_value_does_not_fill_the_message(self) -> None:
        assert len(check_value("x" * 10_000, {"type": "integer"})[0][1]) < 400

    def test_a_slip_of_a_key_has_its_place_and_the_nearest_word(self) -> None:
        closed = {"properties": {"name": {}}, "patternProperties": {"^x-": {}}, "additionalProperties": False}
        assert check_value({"nmae": 1, "x-y": 2}, closed) == [(("nmae",), "unknown key 'nmae'; did you mean `name`?")]
        assert check_value({"z": 1}, {"additionalProperties": {"type": "string"}})[0][0] == ("z",)

    @pytest.mark.parametrize(
        ("schema", "where", "what"),
        [
            ({"pattern": "("}, ("pattern",), "missing )"),
            ({"pattern": r"(a)\1"}, ("pattern",), "back-references are not taken"),
            ({"properties": {"a": {"pattern": "^(?!x)"}}}, ("properties", "a", "pattern"), "look-around"),
            ({"patternProperties": {"(?=a)": {}}}, ("patternProperties",), "look-around"),
            ({"pattern": "a" * 1_001}, ("pattern",), "longer than 1000"),
            ({"pattern": "(a{1,1000}){1,1000}"}, ("pattern",), "repetition"),
            (
                {"$schema": "http://json-schema.org/draft-07/schema#"},
                ("$schema",),
                "only `https://json-schema.org/draft",
            ),
            ({"items": {"$schema": "x:"}}, ("items", "$schema"), "only `https"),
            ({"patternProperties": {"a": {}}, "allOf": [{"unevaluatedProperties": False}]}, (), "exclude each other"),
            ({"enum": list(range(50_000))}, (), "at most 2500 parts"),
        ],
    )
    def test_what_cannot_be_applied_is_refused(self, schema: Any, where: tuple[Any, ...], what: str) -> None:
        ((place, message),) = check_schema(schema)
        assert place == where
        assert what in message

    def test_the_schemas_of_a_definition_share_a_bound(self) -> None:
        parts = Work(5)
        assert check_schema({"properties": {"a": {}}}, parts) == []
        assert "together" in check_schema({"properties": {"b": {}}}, parts)[0][1]

    def test_patterns_are_read_as_json_schema_writes_them(self) -> None:
        euro = {"pattern": r"^\u20AC\d+$"}
        assert check_schema(euro) == []
        assert check_value("€5", euro) == []
        assert "does not match" in check_value("€٣", euro)[0][1]


class TestTheBound:
    def test_patterns_take_linear_time(self) -> None:
        assert check_value("a" * 50_000 + "!", {"pattern": "^(a+)+$"})[0][1].endswith("does not match '^(a+)+$'")
        keys = {"a" * 60 + "!": 1}
        assert check_value(keys, {"patternProperties": {"^(a|aa)+$": False}}) == []
        assert check_value(keys, {"patternProperties": {"^(a|aa)+$": {}}, "additionalProperties": {}}) == []

    def test_items_are_compared_once(self) -> None:
        items = [{"a": [index]} for index in range(20_000)]
        assert check_value(items, {"uniqueItems": True}) == []
        assert "twice" in check_value([*items[:100], {"a": [7.0]}], {"uniqueItems": True})[0][1]

    @pytest.mark.parametrize(
        ("schema", "value"),
        [
            ({"$ref": "#"}, {}),
            (
                {
                    "$ref": "#/$defs/s0",
                    "$defs": {
                        f"s{n}": {"allOf": [{"$ref": f"#/$defs/s{n + 1}"}] * 2} if n < 40 else {} for n in range(41)
                    },
                },
                1,
            ),
            (
                {
                    "$ref": "#/$defs/s0",
                    "unevaluatedProperties": False,
                    "$defs": {
                        f"s{n}": {"allOf": [{"$ref": f"#/$defs/s{n + 1}"}] * 2} if n < 40 else {} for n in range(41)
                    },
                },
                {"a": 1},
            ),
            ({"anyOf": [{"type": "null"}] * 1_000}, "x" * 1_000_000),
            ({"items": {"enum": [[n] * 50 for n in range(300)]}}, [[n] * 50 for n in range(300)]),
            ({"pattern": "(x{0,100}){0,9}b"}, "x" * 500_000),
        ],
    )
    def test_a_bomb_is_refused(self, schema: Any, value: Any) -> None:
        assert check_schema(schema) == []
        ((where, message),) = check_value(value, schema)
        assert where == ()
        assert "cannot be checked" in message


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.0, 1.0, 0.5])
    | st.sampled_from(["", "a", "ab"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
_SCHEMAS = st.recursive(
    st.one_of(
        st.booleans(),
        st.fixed_dictionaries({"type": st.sampled_from(["object", "array", "string", "integer", "boolean", "null"])}),
        st.fixed_dictionaries({"enum": st.lists(_VALUES, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"const": _VALUES}),
        st.fixed_dictionaries({"pattern": st.sampled_from(["^a", "b$", "a|b"])}),
        st.just({"uniqueItems": True}),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {},
            optional={
                "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
                "patternProperties": st.dictionaries(st.sampled_from(["a", "^b"]), inner, max_size=2),
                "additionalProperties": inner,
                "items": inner,
                "not": inner,
            },
        ),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"properties": st.fixed_dictionaries({"a": inner}), "unevaluatedProperties": inner}),
    ),
    max_leaves=5,
)


@settings(deadline=None, derandomize=True)
@given(_SCHEMAS, _VALUES)
def test_a_value_satisfies_what_it_does_for_the_library(schema: Any, value: Any) -> None:
    assert (check_value(value, schema) == []) == Draft202012Validator(schema).is_valid(value)
