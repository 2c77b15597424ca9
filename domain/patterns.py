"""Regular expressions of authors, matched in linear time (RE2): no pattern of theirs can hold this process up."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from domain.work import Work

MOST_CHARACTERS = 1_000
MEMORY = 1 << 20
"""Bytes that one compiled pattern may take."""
STEPS_OF_A_CELL = 25
"""A pattern's instructions times a text's characters, for one cell of work: what RE2 does in the same time."""

_CODE_POINT = re.compile(r"(\\\\)|\\u([0-9a-fA-F]{4})")


class UnusablePattern(ValueError):
    """The message says why, as the end of a sentence."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """Raises `UnusablePattern`."""
    import re2  # noqa: PLC0415 - a native library, loaded at the first pattern

    if len(pattern) > MOST_CHARACTERS:
        raise UnusablePattern(f"it is longer than {MOST_CHARACTERS} characters")
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    try:
        return re2.compile(_with_code_points(pattern), options)
    except (re2.error, ValueError) as error:
        raise UnusablePattern(_reason(error)) from error


def found(pattern: str, text: str, work: Work) -> bool:
    """Whether the pattern matches anywhere in the text. Raises `UnusablePattern`, `TooMuchWork`."""
    program = compiled(pattern)
    work.charge(1 + program.programsize * len(text) // STEPS_OF_A_CELL)
    return program.search(text) is not None


def _with_code_points(pattern: str) -> str:
    """RE2 writes `\\x{20AC}` where JSON Schema's own dialect has `\\u20AC`."""
    return _CODE_POINT.sub(lambda match: match[1] or f"\\x{{{match[2]}}}", pattern)


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    if "perl operator" in text or "invalid escape sequence: \\" in text:
        return f"{text}; look-around and back-references are not taken, as they can take for ever to match"
    return text
