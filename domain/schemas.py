"""The one way that JSON Schemas of authors are applied: draft 2020-12, nothing fetched, no more than a bound of work.

The library matches patterns with backtracking, compares every item with every other, and repeats the whole offending
value in each complaint: one schema of a few lines can hold the process for ever. Here patterns take linear time,
and every keyword looked at and every complaint made is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from itertools import islice
from typing import Any

import attrs
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry

from domain import patterns
from domain.values import Json
from domain.wording import did_you_mean
from domain.work import TooMuchWork, Work, cells_of

MOST_KEYWORDS = 250_000
"""Keywords looked at, and cells of values repeated in complaints, for one value."""

Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]

_work: ContextVar[Work] = ContextVar("work")


def errors_of(value: Json, schema: Json, most: int, work: Work | None = None) -> list[ValidationError]:
    """At most so many of the value's mismatches. Raises `TooMuchWork`, or what the library raises for a bad schema."""
    return _errors(_BOUNDED(schema, registry=Registry()), value, most, work or Work(MOST_KEYWORDS))


def mistakes_of(schema: Json, most: int) -> list[ValidationError]:
    """What keeps it from being a schema, or has a pattern in it that cannot be taken. Raises `TooMuchWork`.

    The size of the schema bounds the work: whoever asks bounds that.
    """
    return _errors(_META, schema, most, Work(10 * MOST_KEYWORDS))


def _errors(validator: Any, value: Json, most: int, work: Work) -> list[ValidationError]:
    token = _work.set(work)
    try:
        return list(islice(validator.iter_errors(value), most))
    except RecursionError as error:
        raise TooMuchWork from error
    finally:
        _work.reset(token)


def _counted(name: str, check: Keyword) -> Keyword:
    once = 5 if name in ("$ref", "$dynamicRef") else 1

    def keyword(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        work = _work.get()
        work.charge(once + (len(wanted) // 10 if isinstance(wanted, list | dict) else 0))
        for error in check(validator, wanted, instance, schema) or ():
            work.charge(cells_of(instance))
            yield error

    return keyword


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not patterns.found(pattern, instance, _work.get()):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, wanted: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        for pattern, subschema in wanted.items():
            for key, child in instance.items():
                if patterns.found(pattern, key, _work.get()):
                    yield from validator.descend(child, subschema, path=key, schema_path=pattern)


def _additional_properties(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    known, patterned = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, child in instance.items():
        if key in known or any(patterns.found(pattern, key, _work.get()) for pattern in patterned):
            continue
        if wanted is False:
            yield ValidationError(f"unknown key {key!r}{did_you_mean(key, known)}", path=[key])
        else:
            yield from validator.descend(child, wanted, path=key)


def _unique_items(validator: Any, wanted: bool, instance: Any, _: Any) -> Iterator[ValidationError]:
    if wanted and validator.is_type(instance, "array"):
        _work.get().charge(cells_of(instance))
        if len({_key(item) for item in instance}) < len(instance):
            yield ValidationError(f"{instance!r} has an item twice")


def _key(value: Json) -> Hashable:
    """Equal for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, list):
        return tuple(_key(item) for item in value)
    if isinstance(value, dict):
        return frozenset((key, _key(item)) for key, item in value.items())
    return (type(value), value) if isinstance(value, bool | None) else value


def _enum(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    _work.get().charge(cells_of(wanted) // 10 + cells_of(instance))
    key = _key(instance)
    if all(_key(one) != key for one in wanted):
        yield ValidationError(f"{instance!r} is not one of {wanted!r}")


_BOUNDED: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        name: _counted(name, check)
        for name, check in {
            **Draft202012Validator.VALIDATORS,
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional_properties,
            "uniqueItems": _unique_items,
            "enum": _enum,
        }.items()
    },
)
_FIELDS = [(field.name, field.alias) for field in attrs.fields(_BOUNDED) if field.init]


def _evolve(self: Any, **changes: Any) -> Any:
    """As the library's, but counted, and never to its own class for the sake of a `$schema` inside."""
    _work.get().charge(1)
    return _BOUNDED(**{alias: getattr(self, name) for name, alias in _FIELDS} | changes)


_BOUNDED.evolve = _evolve

_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("regex", raises=patterns.UnusablePattern)
def _is_pattern(value: object) -> bool:
    return not isinstance(value, str) or bool(patterns.compiled(value))


_META: Any = _BOUNDED(Draft202012Validator.META_SCHEMA, format_checker=_FORMATS)
