"""The model stub's embeddings: texts with words in common are near each other, the same text at the same place."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
from typing import Any

from meta_agents.testing.asked import JsonObject

DIMENSIONS = 256
"""Where none are asked for: a length that every index of the library has a place for."""


def vector(text: str, dimensions: int) -> list[float]:
    """Of length 1. Each word points somewhere of its own; a text points where its words do together."""
    total = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [text]:
        digest = hashlib.sha256(word.encode()).digest()
        total[int.from_bytes(digest[:4]) % dimensions] += 1 if digest[4] % 2 else -1
    length = math.hypot(*total)
    # Words may cancel each other out; a vector of no length would be near nothing.
    return [part / length for part in total] if length else [1.0, *total[1:]]


def embedded(asked: JsonObject) -> JsonObject:
    """The answer to an embeddings request, as floats or base64 as asked. Raises `ValueError` for other input."""
    given = asked["input"]
    texts = [given] if isinstance(given, str) else given
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError("input is a text or a list of texts")
    dimensions = asked.get("dimensions") or DIMENSIONS
    encode = _base64 if asked.get("encoding_format") == "base64" else list
    tokens = sum(len(text.split()) for text in texts)
    return {
        "object": "list",
        "model": asked["model"],
        "data": [
            {"object": "embedding", "index": index, "embedding": encode(vector(text, dimensions))}
            for index, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _base64(vector: list[float]) -> Any:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
