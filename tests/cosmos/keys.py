"""Partition keys: of items, of requests, and the ranges of their hashes by which a client asks for a prefix."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from azure.cosmos import PartitionKey

from tests.cosmos.errors import CosmosError, bad_request

MOST_BYTES = 2048
MISMATCH = 1001
Key = str
"""The values of a partition key as JSON: `["acme","acme/executions"]`, `{}` where an item has none."""


def key_of(values: list[Any]) -> Key:
    return json.dumps(values, separators=(",", ":"))


def key_of_item(paths: list[str], body: dict[str, Any]) -> Key:
    """Raises `CosmosError` 400 for a value that cannot be one."""
    values = []
    for path in paths:
        value: Any = body
        for name in path.strip("/").split("/"):
            value = value.get(name, {}) if isinstance(value, dict) else {}
        if isinstance(value, list) or (isinstance(value, dict) and value):
            raise bad_request("A partition key is a string, a number, a boolean or null.")
        values.append(value)
    found = key_of(values)
    if len(found.encode()) > MOST_BYTES:
        raise bad_request(f"The partition key is longer than {MOST_BYTES} bytes.")
    return found


def key_of_header(text: str | None, paths: list[str], *, may_be_prefix: bool = False) -> Key:
    """Raises `CosmosError` 400 where it is missing, or not as long as the container's."""
    if text is None:
        raise bad_request("PartitionKey must be supplied for this operation.")
    try:
        values = json.loads(text)
    except ValueError as error:
        raise bad_request("The partition key supplied in x-ms-partitionkey header is not JSON.") from error
    if not isinstance(values, list) or not values or len(values) > len(paths):
        raise mismatch()
    if len(values) < len(paths) and not may_be_prefix:
        raise mismatch()
    return key_of(values)


def mismatch() -> CosmosError:
    text = "The partition key supplied has fewer or more components than, or other values than, the item and container."
    return bad_request(text, MISMATCH)


def begins_with(key: Key, prefix: Key) -> bool:
    return key == prefix or key.startswith(prefix[:-1] + ",")


@lru_cache(maxsize=100_000)
def hash_of(key: Key, kind: str, count: int) -> str:
    """The effective partition key, as the client's own code computes it: a range of these is what it asks for."""
    paths = [f"/{number}" for number in range(count)]
    made = PartitionKey(path=paths, kind="MultiHash") if kind == "MultiHash" else PartitionKey(path=paths[0])
    return str(made._get_effective_partition_key_string(json.loads(key)))
