"""Answers that must be JSON."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Code, ProblemError
from services.models.client import ModelClient
from services.models.schemas import takes_strict
from tests.services.models.conftest import ask
from tests.services.models.endpoint import RawEndpoint, answer

SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "score": {"type": "integer", "minimum": 1}},
    "required": ["title"],
}


async def test_the_schema_is_sent_and_the_answer_parsed(endpoint: RawEndpoint, client: ModelClient) -> None:
    endpoint.reply = answer('{"title": "ü", "score": 3}\n')
    got = await client.complete(ask(response_schema=SCHEMA))
    assert got.value == {"title": "ü", "score": 3}
    assert got.text == '{"title": "ü", "score": 3}\n'
    assert endpoint.received[0].body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA, "strict": False},
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Sure! Here it is:", "not JSON"),
        ('{"title": "half', "not JSON"),
        ('{"title": "a"} {"title": "b"}', "not JSON"),
        ('{"title": NaN}', "not JSON"),
        ('{"title": "\\ud83d"}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "'title' is a required property"),
        ('{"title": 7}', "at /title: 7 is not of type 'string'"),
        ('{"title": "a", "score": 0}', "at /score: 0 is less than the minimum of 1"),
        ("[]", "at /: [] is not of type 'object'"),
        ("null", "None is not of type 'object'"),
    ],
)
async def test_a_mismatch_is_named(endpoint: RawEndpoint, client: ModelClient, text: str, says: str) -> None:
    endpoint.reply = answer(text)
    with pytest.raises(ProblemError) as caught:
        await client.complete(ask(response_schema=SCHEMA))
    found = caught.value.problem
    assert (found.code, found.retryable) == (Code.MODEL_BAD_ANSWER, True)
    assert says in found.message
    assert len(found.message) < 600


async def test_an_answer_cut_off_names_the_limit(endpoint: RawEndpoint, client: ModelClient) -> None:
    endpoint.reply = answer('{"title": "ha', finish="length")
    with pytest.raises(ProblemError) as caught:
        await client.complete(ask(response_schema=SCHEMA, max_output_tokens=17))
    found = caught.value.problem
    assert (found.code, found.retryable) == (Code.MODEL_CUT_OFF, False)
    assert "17 tokens" in found.message
    assert "max_output_tokens" in found.action


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "#/$defs/absent"},
        {"$ref": "file:///etc/passwd"},
    ],
)
async def test_a_schema_that_is_none_is_the_authors_matter_and_fetches_nothing(
    endpoint: RawEndpoint, client: ModelClient, schema: dict[str, Any]
) -> None:
    endpoint.reply = answer("{}")
    with pytest.raises(ProblemError) as caught:
        await client.complete(ask(response_schema=schema))
    assert (caught.value.problem.code, caught.value.problem.retryable) == (Code.INVALID_DEFINITION, False)


CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        ({"type": "object", "properties": {}, "additionalProperties": False}, True),
        ({**CLOSED, "properties": {"a": {"type": "array", "items": CLOSED}}}, True),
        ({**CLOSED, "properties": {"a": {"anyOf": [CLOSED, {"type": "null"}]}}}, True),
        ({**CLOSED, "properties": {"a": {"enum": ["x", 1]}}}, True),
        ({**CLOSED, "additionalProperties": True}, False),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "properties": {"a": {"type": "string", "minLength": 1}}}, False),
        ({**CLOSED, "properties": {"a": {"type": "array", "items": {"type": "object"}}}}, False),
        ({**CLOSED, "properties": {"a": {"anyOf": [{"type": "object"}]}}}, False),
        ({**CLOSED, "properties": {"a": True}}, False),
        ({"type": "object"}, False),
        ({"$ref": "#/$defs/a", "$defs": {"a": CLOSED}}, False),
    ],
)
def test_strict_is_asked_for_where_endpoints_take_it(schema: dict[str, Any], strict: bool) -> None:
    assert takes_strict(schema) is strict
