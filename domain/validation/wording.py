"""How an author's own words are repeated to them: short, and with what cannot be seen made visible."""

from __future__ import annotations

import unicodedata

MOST_SHOWN = 80


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
