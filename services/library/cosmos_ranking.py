"""A ranking by words within one partition, as the service plans it.

A query that names its partition key is run by Cosmos DB as it is, and then `ORDER BY RANK` **orders nothing**, without
an error; the client asks for a plan only where the service refuses. So it is asked for here, and run as the client runs
plans: statistics of the words first, then the query that the service has made of ours, with these in it.
https://github.com/Azure/azure-sdk-for-python/issues/42241
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure.cosmos.aio import ContainerProxy

from services.library.cosmos_passages import Item

_FILTER = "{documentdb-formattableorderbyquery-filter}"
_DOCUMENTS = "{documentdb-formattablehybridsearchquery-totaldocumentcount}"
_WORDS = "{documentdb-formattablehybridsearchquery-totalwordcount-0}"
_HITS = "{documentdb-formattablehybridsearchquery-hitcountsarray-0}"


async def ranked(container: ContainerProxy, query: str, partition_key: str, top: int) -> list[Item]:
    """What the query, ordered by one FullTextScore and without parameters, selects: the best first."""
    # The client has no public way to a plan; its version is pinned.
    connection, link = container.client_connection, container.container_link
    plan: Any = await connection._GetQueryPlanThroughGateway(query, link)
    info = plan["hybridSearchQueryInfo"]
    [statistics] = await _rows(container, info["globalStatisticsQuery"], partition_key, 1)
    if not statistics["documentCount"]:
        return []
    [component] = info["componentQueryInfos"]
    rows = await _rows(container, _filled(component["rewrittenQuery"], statistics), partition_key, top)
    # Its pages may come in any order.
    if all(row["payload"].get("componentScores") for row in rows):
        rows.sort(key=lambda row: float(row["payload"]["componentScores"][0]), reverse=True)
    return [row["payload"]["payload"] for row in rows[:top]]


def _filled(query: str, statistics: Mapping[str, Any]) -> str:
    [of_words] = statistics["fullTextStatistics"]
    values = {
        _FILTER: "true",
        _DOCUMENTS: str(statistics["documentCount"]),
        _WORDS: str(of_words.get("totalWordCount", 0)),
        _HITS: f"[{','.join(map(str, of_words['hitCounts']))}]",
    }
    for place, value in values.items():
        query = query.replace(place, value)
    return query


async def _rows(container: ContainerProxy, query: str, partition_key: str, most: int) -> list[dict[str, Any]]:
    found: Any = container.query_items(query, partition_key=partition_key, max_item_count=most)
    return [row async for row in found]
