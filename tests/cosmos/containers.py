"""A container: its partitions, their items, and the operations on one item."""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.cosmos.clock import Clock
from tests.cosmos.errors import CosmosError, bad_request, missing, not_met
from tests.cosmos.keys import Key, begins_with, hash_of, key_of_item, mismatch
from tests.cosmos.limits import check_item, dumped
from tests.cosmos.sql.execution import Source


@dataclass(frozen=True)
class Item(Source):
    """`version` grows with every write of the account; `content` is `body` as JSON."""

    content: bytes
    version: int

    @property
    def etag(self) -> str:
        return str(self.body["_etag"])


@dataclass
class Partition:
    """The items that share a partition key, in the order in which they were made."""

    key: Key
    number: int
    items: dict[str, Item] = field(default_factory=dict)


class Versions:
    """Counts all writes of the account, so that a container made anew is never behind what a client has seen."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        self.last += 1
        return self.last


class Container:
    def __init__(self, properties: dict[str, Any], clock: Clock, versions: Versions) -> None:
        self.properties = properties
        self.versions = versions
        self._clock = clock
        self._partitions: dict[Key, Partition] = {}
        self._made = 0
        self._ends: list[tuple[float, Key, str, int]] = []

    @property
    def paths(self) -> list[str]:
        return list(self.properties["partitionKey"]["paths"])

    @property
    def metrics(self) -> dict[str, str]:
        """Path of each vector, and how nearness is measured there."""
        policy = self.properties.get("vectorEmbeddingPolicy") or {}
        return {one["path"]: one.get("distanceFunction", "cosine") for one in policy.get("vectorEmbeddings", [])}

    # ---- what is there

    def partition(self, key: Key) -> Partition:
        self._forget_ended()
        found = self._partitions.get(key)
        if found is None:
            found = self._partitions[key] = Partition(key, len(self._partitions))
        return found

    def partitions(self, prefix: Key | None = None, hashes: tuple[str, str] | None = None) -> Iterator[Partition]:
        """All; or those under a prefix of their key; or those whose key's hash is in a range without its end."""
        self._forget_ended()
        if prefix in self._partitions:
            yield self._partitions[prefix]
            return
        kind, count = self.properties["partitionKey"].get("kind", "Hash"), len(self.paths)
        for partition in self._partitions.values():
            if prefix is not None and not begins_with(partition.key, prefix):
                continue
            if hashes is None or hashes[0] <= hash_of(partition.key, kind, count) < hashes[1]:
                yield partition

    def _forget_ended(self) -> None:
        now = self._clock.now()
        while self._ends and self._ends[0][0] <= now:
            _, key, id, version = heapq.heappop(self._ends)
            items = self._partitions[key].items
            if id in items and items[id].version == version:
                del items[id]

    # ---- operations on one item

    def create(self, key: Key, body: dict[str, Any]) -> Item:
        check_item(body)
        if body["id"] in self.partition(key).items:
            raise CosmosError(409, "Entity with the specified id already exists in the system.")
        return self._put(key, body, None)

    def upsert(self, key: Key, body: dict[str, Any], if_match: str | None) -> tuple[Item, Item | None]:
        """What is there now, and what was there before."""
        check_item(body)
        before = self.partition(key).items.get(body["id"])
        if before is not None:
            _check(before, if_match)
        return self._put(key, body, before), before

    def read(self, key: Key, id: str) -> Item:
        found = self.partition(key).items.get(id)
        if found is None:
            raise missing("Entity with the specified id")
        return found

    def replace(self, key: Key, id: str, body: dict[str, Any], if_match: str | None) -> tuple[Item, Item]:
        """What is there now, and what was there before."""
        check_item(body)
        if body["id"] != id:
            raise bad_request("The id of the item is another than that of its address.")
        before = self.read(key, id)
        _check(before, if_match)
        return self._put(key, body, before), before

    def delete(self, key: Key, id: str, if_match: str | None) -> Item:
        """What was there."""
        found = self.read(key, id)
        _check(found, if_match)
        del self.partition(key).items[id]
        self.versions.next()
        return found

    def change(
        self, key: Key, id: str, apply: Callable[[dict[str, Any]], dict[str, Any]], if_match: str | None
    ) -> tuple[Item, Item]:
        """Replace the item by what `apply` makes of a copy of it."""
        before = self.read(key, id)
        _check(before, if_match)
        plain = {name: value for name, value in before.body.items() if name not in _SYSTEM}
        changed = apply(json.loads(json.dumps(plain)))
        check_item(changed)
        return self._put(key, changed, before), before

    def _put(self, key: Key, body: dict[str, Any], before: Item | None) -> Item:
        if key_of_item(self.paths, body) != key:
            raise mismatch()
        partition = self.partition(key)
        self._check_unique(partition, body)
        version = self.versions.next()
        place = before.place if before else (partition.number, self._number())
        kept = {name: value for name, value in body.items() if name not in _SYSTEM}
        kept |= {
            "_rid": before.body["_rid"] if before else f"{self.properties['_rid']}{place[1]:010d}",
            "_self": "",
            "_etag": f'"{version:08x}-0000-{os.urandom(2).hex()}-0000-{os.urandom(6).hex()}"',
            "_attachments": "attachments/",
            "_ts": int(self._clock.now()),
        }
        content = dumped(kept)
        item = Item(kept, place, len(content), content, version)
        partition.items[body["id"]] = item
        self._schedule_end(key, item)
        return item

    def _number(self) -> int:
        self._made += 1
        return self._made

    def _schedule_end(self, key: Key, item: Item) -> None:
        usual = self.properties.get("defaultTtl")
        if usual is None:  # then what items say is not looked at either
            return
        life = item.body.get("ttl", usual)
        if life > 0:
            heapq.heappush(self._ends, (self._clock.now() + life, key, item.body["id"], item.version))

    def _check_unique(self, partition: Partition, body: dict[str, Any]) -> None:
        for unique in (self.properties.get("uniqueKeyPolicy") or {}).get("uniqueKeys", []):
            values = key_of_item(unique["paths"], body)
            for other in partition.items.values():
                if other.body["id"] != body["id"] and key_of_item(unique["paths"], other.body) == values:
                    raise CosmosError(409, "Unique index constraint violation.")


_SYSTEM = frozenset({"_rid", "_self", "_etag", "_attachments", "_ts"})


def _check(item: Item, if_match: str | None) -> None:
    if if_match and if_match not in ("*", item.etag):
        raise not_met()
