"""Chance that a replay repeats: drawn from a text, evenly spread, the same each time and on every machine."""

from __future__ import annotations

import hashlib

_BYTES = 6


def chance(*about: str | int) -> float:
    """A number from 0 (included) to 1 (not included) that depends on the parts alone."""
    text = "\0".join(map(str, about))
    drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:_BYTES])
    return drawn / float(256**_BYTES)
