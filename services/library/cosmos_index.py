"""Passages in Azure Cosmos DB. Slow to import. Why it is made so: docs/decisions/0024-passages-in-cosmos-db.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy

from services.cosmos.account import Container, CosmosAccount
from services.cosmos.connection import Connection, Sleep
from services.cosmos.failures import Absent, Unmet
from services.library.cosmos_container import (
    DIMENSIONS,
    FULL_TEXT_POLICY,
    PARTITION_KEY,
    indexing_policy,
    scope_of,
    vector_policy,
)
from services.library.cosmos_passages import Item, head_id, head_item, passage_items
from services.library.cosmos_search import Search
from services.library.index import Hit, Passage, Sought, Source

OPERATIONS, BYTES = 100, 1_500_000
"""Of one batch, at most: Cosmos DB takes 100 and 2 MB."""
_SAME = MatchConditions.IfNotModified
_OLD = "SELECT TOP 100 VALUE c.id FROM c WHERE c.document = @document AND {which}"


@dataclass(frozen=True)
class _Head:
    upload: str
    etag: str


class CosmosIndex:
    """A `PassageIndex`. It belongs to the loop that it is first used in, and leaves `account` open."""

    def __init__(
        self,
        account: CosmosAccount,
        database: str = "meta-agents",
        container_name: str = "passages",
        *,
        dimensions: Sequence[int] = DIMENSIONS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`dimensions`: lengths of vectors that the container has a place for. `sleep` waits before another try."""
        self._connection = Connection(account, database, container(container_name, dimensions), sleep)
        self._dimensions = dimensions
        self._search = Search(self._connection, dimensions)

    async def publish(self, source: Source, space: str, passages: Sequence[Passage]) -> bool:
        items = passage_items(source, space, passages, self._dimensions)
        head = await self._head(source)
        if head is None or head.upload <= source.upload:
            for batch in _batches(items):
                await self._write(source, batch)
        if not await self._move_head(source, head):
            await self._delete_passages(source, "c.upload = @upload")
            return False
        await self._delete_passages(
            source, "(c.upload < @upload OR (c.upload = @upload AND c.number > @last))", len(items)
        )
        return True

    async def remove(self, source: Source, *, earlier: bool = True) -> None:
        while (head := await self._head(source)) is not None:
            if head.upload != source.upload and not (earlier and head.upload < source.upload):
                break
            if await self._delete_head(source, head):
                break
        await self._delete_passages(source, "c.upload <= @upload" if earlier else "c.upload = @upload")

    async def search(self, sought: Sought) -> list[Hit]:
        return await self._search.run(sought)

    async def close(self) -> None:
        pass  # the account is closed by whoever opened it

    # ---- the head: which upload is the document's

    async def _head(self, source: Source) -> _Head | None:
        async def once(container: ContainerProxy) -> Any:
            with self._connection.calling("library_head"):
                return await container.read_item(head_id(source.document), _scope(source))

        try:
            found = await self._connection.trying(once)
        except Absent:
            return None
        return _Head(found["published"], found["_etag"])

    async def _move_head(self, source: Source, head: _Head | None) -> bool:
        """Make this upload the document's; False where a later one is."""
        while head is None or head.upload < source.upload:
            if await self._write_head(source, head):
                return True
            head = await self._head(source)
        return head.upload == source.upload

    async def _write_head(self, source: Source, there: _Head | None) -> bool:
        """False: it is another by now. Also where the first of two tries was done, and its answer lost."""
        item = head_item(source)

        async def once(container: ContainerProxy) -> None:
            with self._connection.calling("library_publish"):
                if there is None:
                    await container.create_item(item)
                else:
                    await container.replace_item(item["id"], item, etag=there.etag, match_condition=_SAME)

        try:
            await self._connection.trying(once)
        except (Unmet, Absent):
            return False
        return True

    async def _delete_head(self, source: Source, there: _Head) -> bool:
        async def once(container: ContainerProxy) -> None:
            with self._connection.calling("library_remove"):
                id, scope = head_id(source.document), _scope(source)
                await container.delete_item(id, scope, etag=there.etag, match_condition=_SAME)

        try:
            await self._connection.trying(once)
        except Absent:
            return True
        except Unmet:
            return False
        return True

    # ---- passages

    async def _write(self, source: Source, items: list[Item]) -> None:
        async def once(container: ContainerProxy) -> None:
            with self._connection.calling("library_publish"):
                await container.execute_item_batch([("upsert", (item,)) for item in items], _scope(source))

        await self._connection.trying(once)

    async def _delete_passages(self, source: Source, which: str, last: int = 0) -> None:
        """In batches, until there are none. Cut off, it is completed by being repeated."""
        while ids := await self._some(source, which, last):
            await self._delete(source, ids)

    async def _some(self, source: Source, which: str, last: int) -> list[str]:
        given = {"@document": source.document, "@upload": source.upload, "@last": last}
        parameters: list[dict[str, object]] = [{"name": name, "value": value} for name, value in given.items()]

        async def once(container: ContainerProxy) -> list[str]:
            with self._connection.calling("library_remove"):
                found: Any = container.query_items(
                    _OLD.format(which=which), parameters=parameters, partition_key=_scope(source)
                )
                return [id async for id in found]

        return await self._connection.trying(once)

    async def _delete(self, source: Source, ids: list[str]) -> None:
        async def once(container: ContainerProxy) -> None:
            with self._connection.calling("library_remove"):
                await container.execute_item_batch([("delete", (id,)) for id in ids], _scope(source))

        try:
            await self._connection.trying(once)
        except Unmet:
            return  # somebody else deletes them too, or the first try did: what is left is seen next time


def container(name: str, dimensions: Sequence[int] = DIMENSIONS) -> Container:
    """The container of the passages. infra/bicep/modules/cosmos.bicep says the same."""
    policies = {"vector_embedding_policy": vector_policy(dimensions), "full_text_policy": FULL_TEXT_POLICY}
    return Container(name, PARTITION_KEY, indexing_policy(dimensions), more=policies)


def _scope(source: Source) -> str:
    return scope_of(source.tenant, source.collection)


def _batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    size = 0
    for item in items:
        length = len(json.dumps(item))
        if batch and (len(batch) == OPERATIONS or size + length > BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch
