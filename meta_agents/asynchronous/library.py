"""The tenant's library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from meta_agents import operations
from meta_agents.asynchronous.calling import AsyncCall, pages
from meta_agents.library_results import AnswerCitations, Collection, LibraryDocument, RemovedCollection, SearchResult
from meta_agents.operations import SearchMode


class AsyncLibrary:
    """Documents in collections, which agents search. A collection is there as long as it has a document."""

    def __init__(self, call: AsyncCall) -> None:
        self._call = call

    async def collections(self) -> tuple[Collection, ...]:
        return (await self._call(operations.list_collections())).items

    def list(self, collection: str, *, page_size: int = 50) -> AsyncIterator[LibraryDocument]:
        """Its documents by name, asked for page by page."""
        return pages(lambda continuation: self._call(operations.list_documents(collection, page_size, continuation)))

    async def get(self, collection: str, name: str) -> LibraryDocument:
        return await self._call(operations.get_document(collection, name))

    async def content(self, collection: str, name: str) -> bytes:
        """As it was sent."""
        return await self._call(operations.document_content(collection, name))

    async def put(
        self,
        collection: str,
        name: str,
        content: bytes,
        *,
        title: str | None = None,
        if_match: str | None = None,
        create_only: bool = False,
    ) -> LibraryDocument:
        """Send text, Markdown, HTML or PDF, in place of what has that name; it is indexed from then on.

        `if_match` and `create_only` as for definitions.
        """
        return await self._call(operations.put_document(collection, name, content, title, if_match, create_only))

    async def delete(self, collection: str, name: str, *, if_match: str | None = None) -> None:
        await self._call(operations.delete_document(collection, name, if_match))

    async def delete_collection(self, collection: str, *, vectors: bool = False) -> RemovedCollection:
        """With all its documents; with `vectors`, forget also those that are kept for text that is sent again."""
        return await self._call(operations.delete_collection(collection, vectors))

    async def search(
        self, collection: str, query: str, *, top: int = 5, mode: SearchMode = "hybrid", documents: Iterable[str] = ()
    ) -> SearchResult:
        """By words and meaning together, or by one alone (`text`, `vector`); only in these documents, if any."""
        return await self._call(operations.search_library(collection, query, top, mode, documents))

    async def citations(self, execution: str) -> tuple[AnswerCitations, ...]:
        """What each answer of an execution cites, and what of it was never found."""
        return (await self._call(operations.citations(execution))).items
