"""What the API answers about the library: documents, what a search finds, what answers cite."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from meta_agents.results import Problem, Result


class Collection(Result):
    """Sums over its documents."""

    name: str
    documents: int
    ready: int
    passages: int
    bytes: int


class Collections(Result):
    items: tuple[Collection, ...]


class LibraryDocument(Result):
    """`status` is `indexing`, `ready` or `failed`; then `error` says why. `embedded` of `passages` are done.

    `tokens` and `cost_usd` are what all that was sent under its name has cost.
    """

    collection: str
    name: str
    title: str | None = None
    media_type: str
    bytes: int
    status: str
    error: Problem | None = None
    passages: int = 0
    embedded: int = 0
    tokens: int = 0
    cost_usd: Decimal | None = None
    by: str
    created: datetime
    updated: datetime
    upload: str
    etag: str | None = None


class Passage(Result):
    """`number` counts the passages of the document from 1; `start` and `end` are characters of its text."""

    document: str
    number: int
    title: str
    page: int | None = None
    start: int
    end: int
    text: str
    score: float


class SearchUsage(Result):
    tokens: int
    cost_usd: Decimal | None = None


class SearchResult(Result):
    """The best passages first, and what the question's own vector took."""

    items: tuple[Passage, ...]
    usage: SearchUsage


class RemovedCollection(Result):
    documents: int
    vectors: int


class Cited(Result):
    """A passage that an answer cites."""

    cite: str
    collection: str | None = None
    document: str
    title: str
    page: int | None = None


class AnswerCitations(Result):
    """`unknown`: what the answer cites and no search of the execution had found."""

    step: str
    agent: str
    offset: int
    cited: tuple[Cited, ...]
    unknown: tuple[str, ...]


class Citations(Result):
    items: tuple[AnswerCitations, ...]
