"""Documents in Azure Cosmos DB. Slow to import. Why it is made so: docs/decisions/0025-documents-in-cosmos-db.md."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from services.cosmos.account import CosmosAccount
from services.cosmos.connection import Connection, Sleep
from services.documents.base import (
    Append,
    Body,
    Document,
    Operation,
    Put,
    Scalar,
    Written,
    check_batch,
)
from services.documents.cosmos_beliefs import Beliefs
from services.documents.cosmos_drop import Drop
from services.documents.cosmos_items import HEAD, Content, Item, container, document_of, id_of
from services.documents.cosmos_plan import Knowledge
from services.documents.cosmos_queue import Queue
from services.documents.cosmos_reads import Reads, learn
from services.documents.cosmos_writes import Writes


class CosmosDocuments:
    """A `DocumentStore`. It belongs to the loop that it is first used in."""

    is_near = False

    def __init__(
        self,
        account: CosmosAccount,
        database: str = "meta-agents",
        container_name: str = "documents",
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Owns `account`. `sleep` waits before something is tried again."""
        self._connection = Connection(account, database, container(container_name), sleep)
        self._beliefs = Beliefs()
        self._reads = Reads(self._connection)
        self._queue = Queue(Writes(self._connection, self._reads, self._beliefs).commit)

    async def get(self, partition: str, id: str) -> Document | None:
        return (await self.get_many(partition, [id])).get(id)

    async def get_many(self, partition: str, ids: Sequence[str]) -> dict[str, Document]:
        if not ids:
            return {}
        return self._seen(partition, await self._reads.items(partition, ids))

    async def query(
        self,
        partition: str,
        *,
        where: Mapping[str, Scalar] | None = None,
        between: tuple[str, str] | None = None,
        descending: bool = False,
        continuation: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Document], str | None]:
        items, more = await self._reads.page(partition, where or {}, between, descending, continuation, limit)
        return list(self._seen(partition, items).values()), more

    async def write(self, partition: str, operations: Sequence[Operation], *, patient: bool = False) -> Written:
        contents = [
            Content.of(operation.body) if isinstance(operation, Put | Append) else None for operation in operations
        ]
        size = sum(content.size for content in contents if content is not None)
        check_batch(len(operations), size)
        if not operations:
            return Written({}, {}, frozenset())
        work = list(zip(operations, contents, strict=True))
        return await self._queue.submit(partition, work, size, patient=patient)

    async def read_stream(self, partition: str, after: int, limit: int = 500) -> list[tuple[int, str, Body]]:
        return await self._reads.stream(partition, after, limit)

    async def drop(self, partition: str) -> None:
        self._beliefs.forget(partition)
        await Drop(self._connection, self._reads, partition).run()

    async def close(self) -> None:
        await self._queue.close()
        await self._connection.close()

    def _seen(self, partition: str, items: Sequence[Item]) -> dict[str, Document]:
        known, found = Knowledge(), dict[str, Document]()
        for item in items:
            document = document_of(item)
            if document is not None:
                found[document.id] = document
            if item["id"] == HEAD or "key" in item:
                learn(known, id_of(item.get("key", "")), item)
        self._beliefs.add(partition, known)
        return found
