"""Names of blobs: one for each partition and ref, safe for any text, and readable where the text is tame."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

LONGEST = 900
"""Characters of a folder; Azure takes names of 1,024, and a ref is 65 of them."""
DEEPEST = 200
"""Segments of a folder; Azure takes 254."""


def folder_of(partition: str) -> str:
    """What the names of the partition's blobs, and of no others, begin with.

    A tenant's are under the tenant's name, as folders that the portal shows and lifecycle rules may name. No segment
    is empty or has a dot, since not every tool keeps `..` and a dot at the end. `@` is never in a segment, so one
    partition's folder is never the beginning of another's.
    """
    segments = [_segment(text) for text in partition.split("/")]
    readable = "/".join(segments)
    if len(readable) > LONGEST or len(segments) > DEEPEST:
        readable = f"=long/{hashlib.sha256(partition.encode()).hexdigest()}"
    return f"{readable}/@"


def name_of(partition: str, ref: str) -> str:
    """The name of one blob."""
    return folder_of(partition) + ref


def _segment(text: str) -> str:
    # `=` stands for `%`, which some tools would decode.
    return quote(text, safe="").replace(".", "%2E").replace("%", "=") or "="
