"""Whether two texts say nearly the same, told from a few numbers of each: the texts themselves may be anywhere.

A fingerprint is the smallest hashes of a text's pairs of neighbouring words (a bottom-k min-hash). What two of them
share estimates what share of their pairs the texts have in common; of short texts it is exact.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from itertools import pairwise

MOST = 16
"""Numbers in a fingerprint."""
ALIKE = 0.7
"""From this share of common pairs on, one text says nothing that the other does not."""

UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
"""Scripts written without blanks: each character counts as a word."""
_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
_BYTES = 4

Fingerprint = tuple[int, ...]


def fingerprint(text: str) -> Fingerprint:
    """At most `MOST` numbers, in order; none for a text without words. Case and punctuation make no difference."""
    words = _WORD.findall(text.casefold())
    pairs = {f"{first} {second}" for first, second in pairwise(words)} or set(words)
    return tuple(heapq.nsmallest(MOST, {_hash(pair) for pair in pairs}))


def likeness(one: Fingerprint, other: Fingerprint) -> float:
    """From 0, nothing in common, to 1."""
    lowest = heapq.nsmallest(MOST, {*one, *other})
    if not lowest:
        return 0
    return sum(number in one and number in other for number in lowest) / len(lowest)


def are_alike(one: Fingerprint, other: Fingerprint) -> bool:
    return likeness(one, other) >= ALIKE


def _hash(pair: str) -> int:
    return int.from_bytes(hashlib.blake2b(pair.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest())
