"""A call of a `library` tool: a search, told as passages that can be cited."""

from __future__ import annotations

from domain.citations import cite
from domain.library import LibrarySearch
from domain.tools import LibraryCall
from domain.values import Json
from services.library.index import Hit
from services.library.library import Library
from services.tools.attempts import Attempt
from services.tools.problems import tool_refused


async def searched(attempt: Attempt, call: LibraryCall, library: Library | None) -> Json:
    """Raises `ProblemError`: not_found, tool_refused, and what embedding the question raises."""
    arguments = attempt.arguments if isinstance(attempt.arguments, dict) else {}
    query = arguments.get("query")
    if library is None or not isinstance(query, str) or not query.strip():
        raise tool_refused(f"Tool `{attempt.tool.name}` needs a `query`.", "Say what is looked for.")
    asked = LibrarySearch(query=query[:2_000], top=call.top, mode=call.mode, documents=call.documents)
    found = await library.search(attempt.tenant, call.collection, asked)
    return {"collection": call.collection, "passages": [_told(hit) for hit in found.hits]}


def _told(hit: Hit) -> dict[str, Json]:
    passage = hit.passage
    where = {"page": passage.page} if passage.page is not None else {}
    return {
        "cite": cite(hit.document, passage.number),
        "document": hit.document,
        "title": passage.title,
        **where,
        "text": passage.text,
    }
