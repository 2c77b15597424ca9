"""Documents of a tenant's library, as they are kept and as they are indexed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from domain.base import Name, Shape
from domain.errors import Problem

DOCUMENT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
DocumentName = Annotated[str, StringConstraints(pattern=DOCUMENT_PATTERN)]
"""Letters, digits, dots, hyphens, underscores, at most 128: what it is called in its collection, and in citations."""
ORCHESTRATOR = "index_document"
ATTEMPTS = 8
"""Failures in a row of one part of the work until it is given up; what may help is waited for over an hour."""


class DocumentStatus(StrEnum):
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


class LibraryDocument(Shape):
    """A document as it was last sent. Until that is `ready`, what was sent before is found.

    `upload` sorts by time. `prepared` is the artifact of its passages, `embedded` how many of these have their vectors,
    in `space`. `superseded`: earlier uploads that may have left artifacts.
    """

    collection: Name
    name: DocumentName
    title: str | None = None
    media_type: str
    bytes: int
    sha256: str
    content: str
    upload: str
    status: DocumentStatus = DocumentStatus.INDEXING
    error: Problem | None = None
    prepared: str | None = None
    space: str | None = None
    passages: int = 0
    embedded: int = 0
    tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    superseded: tuple[str, ...] = ()
    by: str
    created: datetime
    updated: datetime


class IndexWork(Shape):
    """What an orchestration is to index. It is over when another upload of the document has come."""

    tenant: str
    collection: Name
    document: DocumentName
    upload: str
    failures: int = Field(default=0, description="In a row, so far.")


class IndexStep(Shape):
    """What came of a part of the work. `wait`: seconds until the next."""

    done: bool = False
    wait: float | None = None
    failures: int = 0


class LibrarySearch(Shape):
    """What is looked for in a collection."""

    query: str = Field(min_length=1, max_length=2_000, description="In words, as one would ask a person.")
    top: int = Field(default=5, ge=1, le=50, description="Most passages.")
    mode: Literal["hybrid", "text", "vector"] = Field(
        default="hybrid", description="By words and meaning together, by words alone, or by meaning alone."
    )
    documents: tuple[DocumentName, ...] = Field(default=(), max_length=100, description="Only in these; unset: in all.")


def wait_after(failures: int) -> float:
    """Seconds: 5, 20, 80, 320, then twenty minutes at the most."""
    return min(5.0 * 4.0 ** (failures - 1), 1_200.0)
