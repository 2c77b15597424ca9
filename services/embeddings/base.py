"""What every maker of embeddings does, as tests/services/embeddings/conformance.py proves."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

MOST_TEXTS = 64
"""Of one call. What is paid for and not yet kept, should the process end, is never more."""

Vector = bytes
"""Of length 1, as 32-bit floats, the least significant byte first: the product of two is the cosine of their angle."""


@dataclass(frozen=True)
class Embedded:
    """One vector for each text, in their order; what they cost is None where the price is not known."""

    vectors: list[Vector]
    tokens: int
    cost_usd: Decimal | None


class Embedder(Protocol):
    @property
    def space(self) -> str:
        """The same for vectors that can be compared, and part of the key under which they are kept."""

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Of 1 to `MOST_TEXTS` texts, none of them blank. One attempt: whoever asks tries again, durably.

        Raises `ProblemError`: model_unreachable, model_rate_limited, model_refused, model_bad_answer.
        """

    async def close(self) -> None: ...


def vector_of(numbers: Iterable[float]) -> Vector:
    """Brought to length 1. Raises `ValueError` where they have no direction."""
    found = array("f", numbers)
    length = math.sqrt(sum(number * number for number in found))
    if not math.isfinite(length) or length == 0:
        raise ValueError("a vector without a direction")
    return array("f", (number / length for number in found)).tobytes()
