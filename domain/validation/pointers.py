"""RFC 6901 pointers into what an author wrote, and the word they probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from domain.values import Json

Part = str | int

MOST_FINDINGS = 100
"""More of them help nobody, and a definition made of mistakes must not take minutes to refuse."""
MOST_COMPARED = 64
"""A longer word is nobody's slip: no name has so many characters, and comparing takes their square."""


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


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that `name` is most likely a slip of, if any comes close."""
    if len(name) > MOST_COMPARED:
        return None
    found = difflib.get_close_matches(name, sorted(known), n=1)
    return found[0] if found else None


def did_you_mean(name: str, known: Collection[str]) -> str:
    """A clause to end a complaint with; empty when nothing comes close."""
    meant = nearest(name, known)
    return f"; did you mean `{meant}`?" if meant else ""
