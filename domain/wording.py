"""Words to an author: theirs repeated, short and with what cannot be seen made visible, and the one they meant."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection

MOST_SHOWN = 80
MOST_COMPARED = 64
"""A longer word is nobody's slip: no name has so many characters, and comparing takes their square."""


def shown(text: str) -> str:
    """The text, cut, with characters that show nothing or turn what follows written as escapes."""
    cut = text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in cut)


def odd_character(text: str) -> str:
    """A clause that names the first character which is not ASCII, as it may look like one that is; or nothing."""
    odd = next((mark for mark in text if not " " <= mark <= "~"), None)
    if odd is None:
        return ""
    name = unicodedata.name(odd, "a control character")
    looks = f"`{odd}`, " if odd.isprintable() else ""
    return f" (not {looks}U+{ord(odd):04X} {name})"


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
