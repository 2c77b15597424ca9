"""Answers that must be JSON of a given schema: how to ask for them, and whether one is. Slow to import."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from jsonschema.exceptions import ValidationError, best_match

from domain.errors import ProblemError, invalid_definition
from domain.schemas import errors_of
from domain.validation.pointers import pointer
from domain.validation.schemas import check_schema
from domain.values import MOST_DEPTH, Json, is_deep
from domain.work import TooMuchWork
from services.models.base import ModelRequest
from services.models.problems import bad_answer, cut_off

_STRICT_KEYWORDS = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "description"}
)
_SHOWN = 200
_MOST = 50
"""Mismatches among which the one is looked for that says most."""


def response_format(schema: dict[str, Any]) -> dict[str, Any]:
    """The `response_format` of a request. Strict decoding is asked for where the schema is of the kind it takes."""
    asked = {"name": "answer", "schema": schema, "strict": takes_strict(schema)}
    return {"type": "json_schema", "json_schema": asked}


def takes_strict(schema: Any) -> bool:
    """Endpoints refuse strict schemas with other keywords, or objects that leave anything open or optional."""
    if not isinstance(schema, dict) or not schema.keys() <= _STRICT_KEYWORDS:
        return False
    properties = schema.get("properties", {})
    closed = schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(properties)
    if (schema.get("type") == "object" or properties) and not closed:
        return False
    parts = [*properties.values(), *schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]
    return all(takes_strict(part) for part in parts)


def parse(text: str, schema: dict[str, Any]) -> Json:
    """The answer's JSON. Raises `ProblemError` model_bad_answer that names the first mismatch."""
    try:
        value = loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_answer(f"it is not JSON ({error}): {text[:_SHOWN]!r}") from error
    mismatch = _mismatch(value, schema)
    if mismatch is not None:
        pointer = "".join(f"/{part}" for part in mismatch.absolute_path) or "/"
        raise bad_answer(f"at {pointer}: {mismatch.message[:_SHOWN]}")
    return value


def fitting(text: str, finish_reason: str, request: ModelRequest) -> Json:
    """The JSON of an answer to a request with a schema. Raises `ProblemError` model_bad_answer or model_cut_off."""
    if finish_reason == "length":
        raise cut_off(request.max_output_tokens)
    return parse(text, request.response_schema or {})


def loads(text: str) -> Json:
    """JSON that can be stored. Raises `ValueError` or `RecursionError`."""
    value: Json = json.loads(text, parse_constant=_refuse_constant)
    # Refuses what nothing can store: escaped halves of characters, numbers beyond the largest.
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    if is_deep(value):
        raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
    return value


def _mismatch(value: Json, schema: dict[str, Any]) -> ValidationError | None:
    if mistakes := check_schema(schema):
        parts, message = mistakes[0]
        raise ProblemError(
            invalid_definition(f"The output schema cannot be used: at {pointer(parts) or '/'}: {message}")
        )
    try:
        found: ValidationError | None = best_match(errors_of(value, schema, _MOST))
    except TooMuchWork as error:
        raise bad_answer("it is too large to be checked against its schema") from error
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
