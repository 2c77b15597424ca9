"""JSON Schemas that authors write, and values checked against them.

References reach only inside the schema itself: one that named another address would make the service fetch it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from domain.patterns import UnusablePattern
from domain.schemas import errors_of, mistakes_of
from domain.validation.pointers import Part
from domain.values import Json
from domain.work import TooMuchWork, Work

MOST_COMPLAINTS = 50
"""More complaints than this help nobody."""
MOST_CHARACTERS = 300
"""The library repeats the whole offending value in its messages."""
MOST_PARTS = 2_500
"""Objects in the schemas of one definition, and tens of other values: half a second to check."""
PATTERN = 4
"""Parts that a pattern counts for."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Complaint = tuple[tuple[Part, ...], str]
"""Where, from the root of what was checked, and what is wrong there."""


def check_schema(schema: dict[str, Any], parts: Work | None = None) -> list[Complaint]:
    """What keeps `schema` from being a JSON Schema (2020-12) that can be applied here.

    `parts`: what is left of `MOST_PARTS`, shared by the schemas of one definition.
    """
    try:
        (parts or Work(MOST_PARTS)).charge(_parts_of(schema))
        return list(_mistakes(json.dumps(schema)))
    except TooMuchWork:
        return [((), f"the schemas of a definition have at most {MOST_PARTS} parts together; this one is too much")]


def check_value(value: Json, schema: dict[str, Any]) -> list[Complaint]:
    """What keeps `value` from satisfying `schema`, which has passed `check_schema`."""
    try:
        return [complaint_of(error) for error in errors_of(value, schema, MOST_COMPLAINTS)]
    except TooMuchWork:
        return [((), "this cannot be checked: the schema goes through so large a value too often, or without end")]
    except UnusablePattern as error:
        return [((), f"this cannot be checked: a pattern of the schema cannot be taken: {error}")]


@lru_cache(maxsize=256)
def _mistakes(text: str) -> tuple[Complaint, ...]:
    """Remembered, because every start of an execution checks its definitions again."""
    schema = json.loads(text)
    found = [complaint_of(error) for error in mistakes_of(schema, MOST_COMPLAINTS)]
    return tuple(found or [*_dangling(schema), *_not_taken(schema)])


def _parts_of(schema: Json) -> int:
    objects, others = 0, 0
    waiting = [schema]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            patterned = here.get("patternProperties")
            patterns = ("pattern" in here) + (len(patterned) if isinstance(patterned, dict) else 0)
            objects += 1 + PATTERN * patterns
            waiting.extend(here.values())
        else:
            others += 1
            waiting.extend(here if isinstance(here, list) else ())
    return objects + others // 10


def complaint_of(error: ValidationError) -> Complaint:
    parts: tuple[Part, ...] = tuple(error.absolute_path)
    if error.validator == "required":
        # The library makes one error for each missing key, and names the key nowhere but in the message.
        return (*parts, ast.literal_eval(error.message.removesuffix(" is a required property"))), "this key is needed"
    if error.validator == "format" and error.cause is not None:
        return parts, f"`{str(error.instance)[:100]}` is not a pattern that can be taken: {error.cause}"
    return parts, _shortened(error.message)


def _shortened(message: str) -> str:
    if len(message) <= MOST_CHARACTERS:
        return message
    half = MOST_CHARACTERS // 2
    return f"{message[:half]} … {message[-half:]}"


def _dangling(schema: dict[str, Any]) -> Iterator[Complaint]:
    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for parts, key, reference in _texts(schema, ()):
        if key in ("$ref", "$dynamicRef"):
            try:
                resolver.lookup(reference)
            except (Unresolvable, ValueError):
                yield parts, f"`{reference[:100]}` leads to nothing in this schema; references must begin with `#`"


def _not_taken(schema: dict[str, Any]) -> Iterator[Complaint]:
    for parts, key, text in _texts(schema, ()):
        if key == "$schema" and text.rstrip("#") != DIALECT:
            yield parts, f"only `{DIALECT}` is taken; leave it out"
    keys = set(_keys(schema))
    if "patternProperties" in keys and "unevaluatedProperties" in keys:
        # The library would match these patterns by itself, with no bound on the time.
        yield (), "`patternProperties` and `unevaluatedProperties` exclude each other; use `additionalProperties`"


def _texts(value: Json, parts: tuple[Part, ...]) -> Iterator[tuple[tuple[Part, ...], str, str]]:
    """Every text under a key: where, the key, the text."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*parts, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str):
                yield (*parts, key), key, item
            else:
                yield from _texts(item, (*parts, key))


def _keys(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _keys(item)
