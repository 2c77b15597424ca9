"""Searching the passages in Cosmos DB: a ranking by words, one by meaning, and what of them is there to be seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from azure.cosmos.aio import ContainerProxy

from services.cosmos.connection import Connection
from services.embeddings.base import Vector
from services.library.cosmos_container import scope_of
from services.library.cosmos_passages import FIELDS, Item, head_id, numbers_of, passage_of, words_of
from services.library.cosmos_ranking import ranked
from services.library.index import DEEP, Hit, Sought, fused

LOOKS = 9
"""How often a search looks at most while others change what it finds; what is replaced each time is missed."""
DEEPER, DEEPEST = 4, 1_000
"""How many times as far down it looks then, where what is not to be seen took the first places, and where that ends."""

Heads = dict[str, str]
"""The upload that each document has now; none for one that is not there."""


@dataclass(frozen=True)
class _Look:
    rankings: list[list[Item]]
    heads: Heads

    def visible(self) -> list[list[Item]]:
        return [[one for one in ranking if self._is_current(one)] for ranking in self.rankings]

    def is_late(self) -> bool:
        """Whether a document was replaced before, or while, this was looked at."""
        found = (one for ranking in self.rankings for one in ranking)
        return any(one["upload"] < self.heads.get(one["document"], "") for one in found)

    def is_crowded(self, deep: int, top: int) -> bool:
        """Whether more may be seen further down."""
        pairs = zip(self.rankings, self.visible(), strict=True)
        return any(len(ranking) == deep and len(seen) < top for ranking, seen in pairs)

    def _is_current(self, item: Item) -> bool:
        return bool(self.heads.get(item["document"]) == item["upload"])


class Search:
    def __init__(self, connection: Connection, dimensions: Sequence[int]) -> None:
        self._connection = connection
        self._dimensions = dimensions

    async def run(self, sought: Sought) -> list[Hit]:
        """Raises `CosmosFailure`."""
        deep = min(max(DEEP, sought.top), DEEPEST)
        before: Heads | None = None
        for _ in range(LOOKS):
            look = await self._look(sought, deep)
            # What a crash left of a replaced upload stays until the next: seen twice under the same heads, it is that.
            if look.is_late() and look.heads != before:
                before = look.heads
            elif deep < DEEPEST and look.is_crowded(deep, sought.top):
                deep = min(deep * DEEPER, DEEPEST)
            else:
                break
        return _hits(look.visible(), sought.top)

    async def _look(self, sought: Sought, deep: int) -> _Look:
        asked = []
        if sought.mode != "vector" and (words := words_of(sought.text)):
            asked.append(self._by_words(sought, words, deep))
        if sought.mode != "text" and sought.vector is not None:
            asked.append(self._by_meaning(sought, sought.vector, deep))
        rankings = list(await asyncio.gather(*asked))
        # After them: a head that is read earlier may belong to what is not found any more.
        documents = {one["document"] for ranking in rankings for one in ranking}
        return _Look(rankings, await self._heads(sought, documents))

    async def _by_words(self, sought: Sought, words: Sequence[str], deep: int) -> list[Item]:
        # All in the text, which words of letters and digits can be: a plan is made of the text alone.
        terms = ", ".join(map(json.dumps, words))
        where = f"FullTextContainsAny(c.words, {terms}){_among(sought)}"
        query = f"SELECT TOP {deep} {FIELDS} FROM c WHERE {where} ORDER BY RANK FullTextScore(c.words, {terms})"  # noqa: S608
        scope = scope_of(sought.tenant, sought.collection)

        async def once(container: ContainerProxy) -> list[Item]:
            with self._connection.calling("library_search"):
                return await ranked(container, query, scope, deep)

        return await self._connection.trying(once)

    async def _by_meaning(self, sought: Sought, vector: Vector, deep: int) -> list[Item]:
        numbers = numbers_of(vector)
        if len(numbers) not in self._dimensions:
            return []  # nothing of that length was taken
        where, near = f"c.space = @space{_among(sought)}", f"VectorDistance(c.v{len(numbers)}, @vector)"
        query = f"SELECT TOP {deep} {FIELDS}, {near} AS score FROM c WHERE {where} ORDER BY {near}"  # noqa: S608
        rows = await self._rows(sought, query, space=sought.space, vector=numbers)
        # Nearness orders what is on a page, but not the pages; and what has no vector there has no score.
        near_ones = [row for row in rows if row.get("score") is not None]
        return sorted(near_ones, key=lambda row: float(row["score"]), reverse=True)

    async def _heads(self, sought: Sought, documents: set[str]) -> Heads:
        names = {head_id(document): document for document in documents}
        if not names:
            return {}
        query = f"SELECT c.id, c.published FROM c WHERE c.id IN ({', '.join(map(json.dumps, names))})"  # noqa: S608
        return {names[row["id"]]: row["published"] for row in await self._rows(sought, query)}

    async def _rows(self, sought: Sought, query: str, **values: object) -> list[Item]:
        scope = scope_of(sought.tenant, sought.collection)
        given: dict[str, Any] = {"partition_key": scope, "max_item_count": DEEPEST}
        if values:
            given["parameters"] = [{"name": f"@{name}", "value": value} for name, value in values.items()]

        async def once(container: ContainerProxy) -> list[Item]:
            with self._connection.calling("library_search"):
                found: Any = container.query_items(query, **given)
                return [row async for row in found]

        return await self._connection.trying(once)


def _among(sought: Sought) -> str:
    """A condition on the documents; a JSON string is one in the query language, too."""
    if not sought.documents:
        return ""
    return f" AND c.document IN ({', '.join(map(json.dumps, sought.documents))})"


def _hits(rankings: list[list[Item]], top: int) -> list[Hit]:
    items = {one["id"]: one for ranking in rankings for one in ranking}
    best = fused([[str(one["id"]) for one in ranking] for ranking in rankings], top)
    return [Hit(items[id]["document"], passage_of(items[id]), round(score, 6)) for id, score in best]
