"""The index of passages: what every maker must do, as tests/services/library/conformance.py proves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from services.embeddings.base import Vector

Mode = Literal["hybrid", "text", "vector"]
Id = TypeVar("Id", int, str)
DEEP = 50
"""How far down each of the two rankings is looked at before they are fused."""
NEAR = 60
"""Of reciprocal rank fusion: how little the first places count more than those after them."""


@dataclass(frozen=True)
class Source:
    """The document that passages are of, as it was sent at one time. `upload`: later ones sort after earlier ones."""

    tenant: str
    collection: str
    document: str
    upload: str


@dataclass(frozen=True)
class Passage:
    """`number` counts the passages of a document from 1; `start` and `end` are characters of its text."""

    number: int
    title: str
    text: str
    start: int
    end: int
    page: int | None
    vector: Vector


@dataclass(frozen=True)
class Sought:
    """What is searched for; `vector` is in `space`. Only in these `documents`, unless there are none."""

    tenant: str
    collection: str
    text: str
    vector: Vector | None
    space: str
    top: int
    mode: Mode = "hybrid"
    documents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """`score` is comparable within one search alone."""

    document: str
    passage: Passage
    score: float


class PassageIndex(Protocol):
    """Raises `ProblemError` platform_failed when the storage itself fails."""

    async def publish(self, source: Source, space: str, passages: Sequence[Passage]) -> bool:
        """Put these in place of all that the document had, at once for whoever searches.

        False, and nothing is changed, when those of a later upload are there.
        """

    async def remove(self, source: Source, *, earlier: bool = True) -> None:
        """Take away what the document has of this upload, and of earlier ones unless told otherwise."""

    async def search(self, sought: Sought) -> list[Hit]:
        """The best first. By text and by meaning together, the ranks of both are fused; passages of other spaces are
        found by their text alone."""

    async def close(self) -> None: ...


def fused(rankings: Sequence[Sequence[Id]], top: int) -> list[tuple[Id, float]]:
    """Reciprocal rank fusion of several rankings of ids: the best first, each with its score."""
    scores: dict[Id, float] = {}
    for ranking in rankings:
        for place, id in enumerate(ranking):
            scores[id] = scores.get(id, 0.0) + 1 / (NEAR + place + 1)
    # The id last, so that equal ones come in the same order each time.
    return sorted(scores.items(), key=lambda found: (-found[1], found[0]))[:top]
