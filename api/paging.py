"""Pages of what has to be put together whole before it can be paged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from services.documents.base import decode_continuation, encode_continuation

T = TypeVar("T")

Most = Annotated[int, Query(ge=1, le=10_000, description="Most items; `left_out` says how many more there are.")]


def page_of(items: Sequence[T], limit: int, continuation: str | None) -> tuple[Sequence[T], str | None]:
    """The page, and the continuation of the next one. Raises `ProblemError` for one that was not given out."""
    after = decode_continuation(continuation) if continuation else ""
    begin = int(after) if after.isdecimal() and len(after) < 10 else 0
    end = begin + limit
    return items[begin:end], encode_continuation(str(end)) if end < len(items) else None
