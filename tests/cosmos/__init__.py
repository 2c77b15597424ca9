"""A server that speaks the protocol of Azure Cosmos DB for NoSQL, in memory, for tests.

    python -m tests.cosmos --port 0 [--tls]        prints READY http(s)://127.0.0.1:PORT

In tests `tests.cosmos.running.start()` runs it. It answers the stock `azure-cosmos` client, by key or (over TLS) by
token. docs/cosmos-emulation.md says what is covered, what is a model, and what nobody has verified against Azure.

The control path, which needs no key:

    POST   /_control/faults      one or several `tests.cosmos.faults.Fault` as JSON; GET lists them, DELETE clears,
                                 and lets requests that are delayed go on
    GET    /_control/requests    what was asked: operation, status, request units; DELETE clears
    POST   /_control/clock       {"advance": seconds}: items reach the end of their time to live
    POST   /_control/regions     {"readable": [[name, address]...], "writable": ...}: what the account says it has
    POST   /_control/reset       no databases, no faults, no records

Operations, as faults and records name them: ReadItem, CreateItem, UpsertItem, ReplaceItem, PatchItem, DeleteItem,
Batch, QueryItems, PlanQuery, ReadItems, ReadChanges, ReadAccount, ReadPartitionRanges, Read|Create|Replace|Delete with
Container or Database.
"""

KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
"""The key that Microsoft's own emulators have, known to everyone."""
