"""How many tokens a text may be for a model whose vocabulary is not known. Rather too many than too few.

Small vocabularies, such as those of models that run on a laptop, spend a token on each digit, one or more on each sign
that is not Latin, and several on a word they have not met. tests/services/tokens measures the estimate on a real one.
"""

from __future__ import annotations

import re
from math import ceil

_PIECE = re.compile(
    r"[A-Za-z0-9+/=_-]{32,}|[A-Z]?[a-z]+|[A-Z]+|[0-9]| {2,}|[!-/:-@\[-`{-~]|[^\x00-\x7f]+|[\x00-\x1f\x7f]"
)
_CODED = 32
"""From this length on a piece is no word but a key, a digest, a file in base64: nearly a token for each letter."""


class Estimate:
    name = "estimate"

    def count(self, text: str) -> int:
        return sum(map(_tokens, _PIECE.findall(text)))

    def shortened(self, text: str, most: int) -> str:
        """The beginning of the text, of at most so many tokens."""
        spent = 0
        for found in _PIECE.finditer(text):
            spent += _tokens(found.group())
            if spent > most:
                return text[: found.start()]
        return text


def _tokens(piece: str) -> int:
    if not piece.isascii():
        return len(piece.encode("utf-8", errors="replace"))
    if len(piece) >= _CODED and not piece.isspace():
        return ceil(len(piece) * 0.95)
    return 1 + max(0, ceil((len(piece) - 4) / 3))
