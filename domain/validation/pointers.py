"""RFC 6901 pointers into what an author wrote."""

from __future__ import annotations

from collections.abc import Iterable

from domain.values import Json

Part = str | int

MOST_FINDINGS = 100
"""More of them help nobody, and a definition made of mistakes must not take minutes to refuse."""


def pointer(parts: Iterable[Part]) -> str:
    """`["steps", 0, "a/b"]` gives `/steps/0/a~1b`; no parts give the whole document, the empty pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def as_written(parts: Iterable[Part], written: Json) -> list[Part]:
    """`parts` without the keys that a short form leaves out (`concurrent: […]` for `concurrent: {branches: […]}`)."""
    kept: list[Part] = []
    here = written
    for part in parts:
        if isinstance(here, list) and isinstance(part, str):
            continue
        kept.append(part)
        here = _child(here, part)
    return kept


def _child(value: Json, part: Part) -> Json:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def value_at(parts: Iterable[Part], value: Json) -> Json:
    """What stands there; None when nothing does."""
    for part in parts:
        value = _child(value, part)
    return value
