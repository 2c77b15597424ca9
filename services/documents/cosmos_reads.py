"""What is read from the container of the documents."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from azure.cosmos.aio import ContainerProxy

from services.cosmos.connection import Connection
from services.cosmos.failures import Absent
from services.documents.base import STREAM, Body, Scalar, decode_continuation, encode_continuation
from services.documents.cosmos_items import (
    HEAD,
    Item,
    bare,
    body_of,
    flags_of,
    id_of,
    item_id,
    key_of,
    plain,
    sort_key,
)
from services.documents.cosmos_plan import NOTHING, Knowledge, Seen

T = TypeVar("T")
POINT_READS = 2
"""Up to so many ids are read one by one: that is cheaper than a query, whose price begins at about 2.8 units."""
_IDS_PER_QUERY = 100
_MOST_PER_ANSWER = 1_000
_LAST_OFFSET = 2**53 - 1
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEEN = "SELECT c.id, c.at, c.gone, c.last, c.flags, c.writes, c._etag FROM c WHERE c.id IN ({ids})"
_GET = "SELECT * FROM c WHERE c.id IN ({ids})"
_STREAM = "SELECT TOP {limit} c.at, c.name, c.entry, c.text FROM c WHERE c.at > @after ORDER BY c.at"
_PAGE = "SELECT TOP {limit} * FROM c WHERE {conditions} ORDER BY c.key {order}"


class Reads:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def items(self, partition: str, ids: Sequence[str]) -> list[Item]:
        """Those of the items that are there; and the stream's end, if it costs nothing more."""
        wanted = [item_id(id) for id in dict.fromkeys(ids)]
        if len(wanted) <= POINT_READS:
            return await self._points(partition, wanted, "get")
        return await self._by_id(_GET, partition, [*wanted, HEAD], "get_many")

    async def look(self, partition: str, ids: Sequence[str]) -> Knowledge:
        """What is there now of these ids, and of the stream's end if `STREAM` is among them."""
        names = {HEAD if id == STREAM else item_id(id): id for id in ids}
        if len(names) <= POINT_READS:
            found = await self._points(partition, list(names), "look")
        else:
            found = await self._by_id(_SEEN, partition, list(names), "look")
        known = Knowledge({id: NOTHING for id in ids if id != STREAM})
        if STREAM in ids:
            known.last = 0
        for item in found:
            learn(known, names[item["id"]], item)
        return known

    async def page(
        self,
        partition: str,
        where: Mapping[str, Scalar],
        between: tuple[str, str] | None,
        descending: bool,
        continuation: str | None,
        limit: int,
    ) -> tuple[list[Item], str | None]:
        """The documents of a page, and where the next begins."""
        # One more than asked for tells whether there is another page.
        query, values = _page(where, between, descending, continuation, limit + 1)
        items = await self._query(query, values, partition, "query", limit + 1)
        more = encode_continuation(id_of(items[limit - 1]["key"])) if len(items) > limit else None
        return items[:limit], more

    async def stream(self, partition: str, after: int, limit: int) -> list[tuple[int, str, Body]]:
        query, values = _STREAM.format(limit=int(limit)), {"after": min(after, _LAST_OFFSET)}
        items = await self._query(query, values, partition, "read_stream", limit)
        return [(item["at"], id_of(item["name"]), body_of(item)) for item in items]

    async def some_names(self, partition: str, limit: int) -> list[str]:
        """Of some items of the partition, but not of the stream's end."""
        query = f"SELECT TOP {limit:d} c.id FROM c WHERE c.id != @head"  # noqa: S608 - a number
        return [item["id"] for item in await self._query(query, {"head": HEAD}, partition, "drop", limit)]

    async def head(self, partition: str) -> Item | None:
        found = await self._points(partition, [HEAD], "drop")
        return found[0] if found else None

    async def _points(self, partition: str, names: Sequence[str], operation: str) -> list[Item]:
        async def read(name: str) -> Item | None:
            async def once(container: ContainerProxy) -> Item | None:
                with suppress(Absent), self._connection.calling(operation):
                    return dict(await container.read_item(name, key_of(partition)))
                return None

            return await self._connection.trying(once)

        found = await asyncio.gather(*(read(name) for name in names))
        return [item for item in found if item is not None]

    async def _by_id(self, query: str, partition: str, names: Sequence[str], operation: str) -> list[Item]:
        found: list[Item] = []
        for start in range(0, len(names), _IDS_PER_QUERY):
            values = {f"id{place}": name for place, name in enumerate(names[start : start + _IDS_PER_QUERY])}
            marks = ", ".join(f"@{mark}" for mark in values)
            found += await self._query(query.format(ids=marks), values, partition, operation, _MOST_PER_ANSWER)
        return found

    async def _query(
        self, query: str, values: Mapping[str, Any], partition: str, operation: str, limit: int
    ) -> list[Item]:
        parameters = [{"name": f"@{name}", "value": value} for name, value in values.items()]

        async def once(container: ContainerProxy) -> list[Item]:
            with self._connection.calling(operation):
                pages = container.query_items(
                    query,
                    parameters=parameters,
                    partition_key=key_of(partition),
                    max_item_count=min(limit, _MOST_PER_ANSWER),
                )
                return [dict(item) async for item in pages]

        return await self._connection.trying(once)


def learn(known: Knowledge, id: str, item: Item) -> None:
    """Add what an item tells."""
    if item["id"] == HEAD:
        known.last, known.has_head, known.flags = item["last"], True, flags_of(item)
    else:
        known.items[id] = seen(item)


def seen(item: Item) -> Seen:
    return Seen(bare(item["_etag"]), tuple(item["writes"]), gone=bool(item.get("gone")), offset=item.get("at"))


def _page(
    where: Mapping[str, Scalar],
    between: tuple[str, str] | None,
    descending: bool,
    continuation: str | None,
    limit: int,
) -> tuple[str, dict[str, Any]]:
    conditions: list[str] = []
    values: dict[str, Any] = {}
    if continuation is not None:
        conditions.append("c.key < @past" if descending else "c.key > @past")
        values["past"] = sort_key(decode_continuation(continuation))
    if between is not None:
        conditions += ["c.key >= @first", "c.key < @end"]
        values |= {"first": sort_key(between[0]), "end": sort_key(between[1])}
    for place, (field, wanted) in enumerate(where.items()):
        if not _FIELD.fullmatch(field):
            raise ValueError(f"{field!r} is not a field that documents are queried by")
        conditions.append(f'c.body["{field}"] = @field{place}')
        values[f"field{place}"] = plain(wanted)
    # Only documents have a key.
    every = " AND ".join(conditions) or "IS_DEFINED(c.key)"
    return _PAGE.format(limit=int(limit), conditions=every, order="DESC" if descending else "ASC"), values
