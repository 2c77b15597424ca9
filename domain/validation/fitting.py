"""Whether what an author hands to a tool or workflow can satisfy its schema, as far as it is written out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.patterns import UnusablePattern
from domain.schemas import errors_of
from domain.validation.schemas import MOST_COMPLAINTS, Complaint, complaint_of
from domain.values import Json
from domain.work import TooMuchWork
from domain.workflows import texts_in

_CERTAIN = frozenset({"required", "additionalProperties", "dependentRequired", "minProperties", "maxProperties"})
"""Keywords that look at the keys of an object alone, and not at what stands under them."""


def unfitting(value: Json, schema: dict[str, Any]) -> list[Complaint]:
    """What is certain not to fit, whatever the expressions in `value` give."""
    try:
        return [complaint_of(error) for error in _certain(value, schema)]
    except (TooMuchWork, UnusablePattern):
        return []


def _certain(value: Json, schema: dict[str, Any]) -> Iterator[Any]:
    for error in errors_of(value, schema, MOST_COMPLAINTS):
        # The other branch of an `if` may be the one, once the expressions have their values.
        depends = _is_open(value) and {"if", "then", "else"} & set(error.absolute_schema_path)
        about_keys = error.validator in _CERTAIN and not isinstance(error.instance, str)
        if not depends and (about_keys or not _is_open(error.instance)):
            yield error


def _is_open(value: Json) -> bool:
    """Whether an expression is to be filled in."""
    return any("${" in text for text in texts_in(value))
