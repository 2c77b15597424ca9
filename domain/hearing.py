"""What an orchestrator, which never sees the words themselves, is told of what was said."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import Field

from domain.base import Shape, split_reference
from domain.fingerprints import UNSPACED, fingerprint

PREVIEW_CHARACTERS = 300
_LETTER = rf"[^\W{UNSPACED}]"
"""What makes a word longer, in scripts that put blanks between words."""


class Listening(Shape):
    """What to listen for."""

    watch: tuple[str, ...] = Field(default=(), description="Texts to look for in the answer.")
    names: tuple[str, ...] = Field(default=(), description="Participants: whom does the answer name?")
    compare: bool = Field(default=False, description="Whether the orchestrator compares what is said.")


class Heard(Shape):
    """What was heard of it."""

    said: tuple[str, ...] = Field(default=(), description="The watched texts that the answer contains.")
    named: tuple[str, ...] = Field(default=(), description="Those of the names that it contains.")
    fingerprint: tuple[int, ...] = Field(default=(), description="Of its words, as `domain.fingerprints` takes it.")
    preview: str = Field(default="", description="The beginning of the answer, for those who only glance.")


def heard(text: str, listening: Listening | None = None) -> Heard:
    listening = listening or Listening()
    return Heard(
        said=tuple(words for words in listening.watch if words in text),
        named=names_in(text, listening.names),
        fingerprint=fingerprint(text) if listening.compare else (),
        preview=text[:PREVIEW_CHARACTERS],
    )


def names_in(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the names that stand in the text as words, however they are written: `Cost reviewer` is cost-reviewer.

    A version (`writer@3`) is not part of what anyone is called.
    """
    return tuple(name for name in names if re.search(_pattern(name), text, re.IGNORECASE))


def _pattern(name: str) -> str:
    joined = r"[-_\s]?".join(map(re.escape, split_reference(name)[0].split("-")))
    return rf"(?<!{_LETTER})(?<!-){joined}(?!{_LETTER}|-)"
