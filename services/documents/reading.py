"""Reading all of something, page by page."""

from __future__ import annotations

from services.documents.base import Document, DocumentStore

PAGE = 200


async def everything(
    documents: DocumentStore, partition: str, between: tuple[str, str] | None = None
) -> list[Document]:
    """All documents of the partition, or those between two ids: for what is known to be little."""
    found: list[Document] = []
    continuation: str | None = None
    while True:
        page, continuation = await documents.query(partition, between=between, continuation=continuation, limit=PAGE)
        found += page
        if continuation is None:
            return found


async def some(documents: DocumentStore, partition: str, between: tuple[str, str], most: int) -> list[Document]:
    """As `everything`, the first so many of them."""
    found: list[Document] = []
    continuation: str | None = None
    while True:
        limit = min(PAGE, most - len(found))
        page, continuation = await documents.query(partition, between=between, continuation=continuation, limit=limit)
        found += page
        if continuation is None or len(found) >= most:
            return found
