"""A process that writes until it is done or killed: `python -m tests.services.documents.writer WHERE NAME COUNT`.

WHERE is a SQLite file, or `URL#CONTAINER` of a server of tests.cosmos. Each batch appends an entry and counts a
document up. A line of JSON tells of each batch once it is acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from services.documents.base import Append, Conflict, DocumentStore, Operation, Put
from tests.cosmos import KEY
from tests.services.documents.conformance import P

DATABASE = "conformance"


def opened(where: str) -> DocumentStore:
    if not where.startswith("http"):
        from services.documents.sqlite import SqliteDocuments

        return SqliteDocuments(Path(where))
    from services.cosmos.account import CosmosAccount
    from services.documents.cosmos import CosmosDocuments

    url, _, container = where.partition("#")
    return CosmosDocuments(CosmosAccount(url, key=KEY), DATABASE, container)


async def write(store: DocumentStore, id: str) -> int:
    while True:
        document = await store.get(P, "count")
        operations: list[Operation] = [Append(id, {"text": "x" * 500})]
        if document is None:
            operations.append(Put("count", {"n": 1}, if_absent=True))
        else:
            operations.append(Put("count", {"n": document.body["n"] + 1}, if_match=document.etag))
        try:
            return (await store.write(P, operations)).offsets[id]
        except Conflict:
            continue


async def main(where: str, name: str, count: int) -> None:
    store = opened(where)
    for number in range(count):
        id = f"{name}{number}"
        print(json.dumps({"id": id, "offset": await write(store, id)}), flush=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
