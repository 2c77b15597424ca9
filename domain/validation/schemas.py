"""JSON Schemas that authors write, and values checked against them.

References reach only inside the schema itself: one that named another address would make the service fetch it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from domain.validation.pointers import Part
from domain.values import Json

MOST_COMPLAINTS = 50
"""More complaints than this help nobody."""
MOST_CHARACTERS = 300
"""The library repeats the whole offending value in its messages."""


Complaint = tuple[tuple[Part, ...], str]
"""Where, from the root of what was checked, and what is wrong there."""


def check_schema(schema: dict[str, Any]) -> list[Complaint]:
    """What keeps `schema` from being a JSON Schema (2020-12) whose references all lead somewhere inside it."""
    return list(_mistakes(json.dumps(schema)))


@lru_cache(maxsize=256)
def _mistakes(text: str) -> tuple[Complaint, ...]:
    """Remembered, because every start of an execution checks its definitions again."""
    schema = json.loads(text)
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    found = [_complaint(error) for error in islice(meta.iter_errors(schema), MOST_COMPLAINTS)]
    return tuple(found or _dangling(schema))


def check_value(value: Json, schema: dict[str, Any]) -> list[Complaint]:
    """What keeps `value` from satisfying `schema`, which has passed `check_schema`."""
    validator = Draft202012Validator(schema, registry=Registry())
    try:
        return [_complaint(error) for error in islice(validator.iter_errors(value), MOST_COMPLAINTS)]
    except RecursionError:
        return [((), "this cannot be checked: the schema refers to itself without end")]


def _complaint(error: ValidationError | SchemaError) -> Complaint:
    parts: tuple[Part, ...] = tuple(error.absolute_path)
    if error.validator == "required":
        # The library makes one error for each missing key, and names the key nowhere but in the message.
        return (*parts, ast.literal_eval(error.message.removesuffix(" is a required property"))), "this key is needed"
    return parts, _shortened(error.message)


def _shortened(message: str) -> str:
    if len(message) <= MOST_CHARACTERS:
        return message
    half = MOST_CHARACTERS // 2
    return f"{message[:half]} … {message[-half:]}"


def _dangling(schema: dict[str, Any]) -> Iterator[Complaint]:
    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for parts, reference in _references(schema, ()):
        try:
            resolver.lookup(reference)
        except (Unresolvable, ValueError):
            yield parts, f"`{reference[:100]}` leads to nothing in this schema; references must begin with `#`"


def _references(value: Json, parts: tuple[Part, ...]) -> Iterator[tuple[tuple[Part, ...], str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*parts, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(item, str):
                yield (*parts, key), item
            else:
                yield from _references(item, (*parts, key))
