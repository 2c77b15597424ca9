"""Removing a whole partition, a bounded number of items at a time."""

from __future__ import annotations

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy

from services.cosmos.connection import Connection
from services.cosmos.failures import Absent, Unmet
from services.documents.base import BATCH_OPERATIONS
from services.documents.cosmos_items import HEAD, key_of
from services.documents.cosmos_reads import Reads


class Drop:
    def __init__(self, connection: Connection, reads: Reads, partition: str) -> None:
        self._connection = connection
        self._reads = reads
        self._partition = partition

    async def run(self) -> None:
        """Raises `CosmosFailure`; then it may be repeated."""
        done = False
        while not done:
            # Seen before the entries are: whoever appends from here on changes it, and then it stays.
            head = await self._reads.head(self._partition)
            names = await self._reads.some_names(self._partition, BATCH_OPERATIONS)
            if names:
                await self._remove(names)
            else:
                done = head is None or await self._remove_head(str(head["_etag"]))

    async def _remove(self, names: list[str]) -> None:
        async def once(container: ContainerProxy) -> None:
            with self._connection.calling("drop"):
                operations = [("delete", (name,)) for name in names]
                await container.execute_item_batch(operations, key_of(self._partition))

        try:
            await self._connection.trying(once)
        except Unmet:
            return  # somebody else is removing them too: what is left is seen next time

    async def _remove_head(self, etag: str) -> bool:
        async def once(container: ContainerProxy) -> None:
            with self._connection.calling("drop"):
                unmodified = MatchConditions.IfNotModified
                await container.delete_item(HEAD, key_of(self._partition), etag=etag, match_condition=unmodified)

        try:
            await self._connection.trying(once)
        except Absent:
            return True
        except Unmet:
            return False
        return True
