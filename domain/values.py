"""Values as orchestrators hold them: small ones inline, large ones as references to what the log recorded.

Histories must stay small, so an orchestrator never carries a long text: it carries a `Value`, and the activity that
needs the text loads it. A `Value` is plain JSON with one key: `{"v": json}`, `{"r": event id, "p": [path]}`,
`{"o": {key: Value}}` or `{"l": [Value]}`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict with str keys."""
Value = dict[str, Any]

INLINE_BYTES = 2_048
"""A value up to this size travels in the orchestrator's history; a larger one by reference."""
MOST_DEPTH = 100
"""How deep what others wrote may be nested: more is written by none but who wants to do harm."""
ARTIFACT_BYTES = 16_384
"""A payload over this size leaves the event log and becomes an artifact."""


def content_hash(value: Json) -> str:
    """sha256 (hex) of the canonical JSON: keys sorted, no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def size_of(value: Json) -> int:
    """Bytes of the value as compact JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def is_deep(value: Json, most: int = MOST_DEPTH) -> bool:
    """Whether it is nested deeper than so many objects and arrays."""
    level: list[Json] = [value]
    for _ in range(most):
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
            if isinstance(part, dict | list)
        ]
        if not level:
            return False
    return True


def inline(value: Json) -> Value:
    return {"v": value}


def reference(event_id: str, path: Sequence[str | int] = ()) -> Value:
    """The value recorded by an event of this execution, or the part of it that `path` leads to."""
    return {"r": event_id, "p": list(path)}


def recorded(value: Json, event_id: str) -> Value:
    """Inline when small, else a reference to the event that holds it."""
    return inline(value) if size_of(value) <= INLINE_BYTES else reference(event_id)


def of_object(values: Mapping[str, Value]) -> Value:
    if all("v" in value for value in values.values()):
        return inline({key: value["v"] for key, value in values.items()})
    return {"o": dict(values)}


def of_list(values: Sequence[Value]) -> Value:
    if all("v" in value for value in values):
        return inline([value["v"] for value in values])
    return {"l": list(values)}


def at(value: Value, key: str) -> Value:
    """The part of an object under `key`."""
    if "v" in value:
        return inline(value["v"][key])
    if "o" in value:
        part: Value = value["o"][key]
        return part
    return reference(value["r"], [*value["p"], key])


def references_in(value: Value) -> set[str]:
    """Ids of the events that must be loaded before the value can be read."""
    if "r" in value:
        return {value["r"]}
    if "o" in value:
        return set[str]().union(*(references_in(child) for child in value["o"].values()))
    if "l" in value:
        return set[str]().union(*(references_in(child) for child in value["l"]))
    return set()


def resolve(value: Value, load: Callable[[str], Json]) -> Json:
    """The plain JSON value; `load` gives the value that an event recorded."""
    if "v" in value:
        return value["v"]
    if "o" in value:
        return {key: resolve(child, load) for key, child in value["o"].items()}
    if "l" in value:
        return [resolve(child, load) for child in value["l"]]
    found = load(value["r"])
    for part in value["p"]:
        found = found[part]
    return found
