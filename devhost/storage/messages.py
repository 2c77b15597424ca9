"""Queue messages: as the queue holds them, as functions get them, as they give them."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from azure.functions.meta import Datum

from devhost.expressions import BindingData
from devhost.functions import JsonValue

Encoding = Literal["base64", "none"]


@dataclass(frozen=True)
class Message:
    """A message taken from a queue. `text` is as the queue holds it; times are aware."""

    id: str
    text: str
    dequeue_count: int
    inserted: datetime
    expires: datetime
    next_visible: datetime
    pop_receipt: str


def encode(content: str | bytes, encoding: Encoding) -> str:
    """What a queue is to hold. Raises `ValueError` for bytes that are no text where nothing encodes them."""
    if encoding == "none":
        return content if isinstance(content, str) else content.decode()
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


def decode(text: str, encoding: Encoding) -> bytes:
    """The content of what a queue holds. Raises `ValueError` where it should be base64 and is not."""
    return text.encode() if encoding == "none" else base64.b64decode("".join(text.split()), validate=True)


def contents(datum: Datum) -> list[str | bytes]:
    """The messages that an output is to send. A JSON array is one message per element, also when it came as text."""
    if datum.type == "bytes":
        return [datum.value]
    parsed = _json(datum.value)
    if isinstance(parsed, list):
        return [_content(item, unwrap=datum.type == "json") for item in parsed]
    return [_content(parsed, unwrap=True) if datum.type == "json" else datum.value]


def metadata(message: Message) -> dict[str, Datum]:
    """The trigger metadata of a message, from which `azure.functions` makes its QueueMessage."""
    return {
        "Id": Datum(message.id, "string"),
        "DequeueCount": Datum(message.dequeue_count, "int"),
        "ExpirationTime": Datum(message.expires.isoformat(), "string"),
        "InsertionTime": Datum(message.inserted.isoformat(), "string"),
        "NextVisibleTime": Datum(message.next_visible.isoformat(), "string"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
    }


def binding_data(message: Message, content: bytes) -> BindingData:
    """What binding expressions may use: a JSON message's properties, then `{queueTrigger}` and the metadata."""
    own = {name: str(datum.value) for name, datum in metadata(message).items()}
    with contextlib.suppress(UnicodeDecodeError):  # a message of bytes has no text
        own["queueTrigger"] = content.decode()
    values = _properties(content)
    taken = {name.lower() for name in values}
    values |= {name: value for name, value in own.items() if name.lower() not in taken}
    return BindingData(values=values, subject=message.id[:8])


def _properties(content: bytes) -> dict[str, str]:
    try:
        parsed = json.loads(content)
        return dict(_flat("", parsed)) if isinstance(parsed, dict) else {}
    except (ValueError, RecursionError):  # no JSON, or JSON that nests too deep for anybody to name its properties
        return {}


def _flat(prefix: str, properties: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Each property as .NET writes it; those of an object within by `outer.inner`. Null and arrays are no data."""
    for name, value in properties.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        elif value is not None and not isinstance(value, list):
            yield f"{prefix}{name}", str(value)


def _content(item: JsonValue, *, unwrap: bool) -> str:
    if unwrap and isinstance(item, dict) and isinstance(item.get("body"), str):
        return str(item["body"])  # a QueueMessage of `azure.functions`
    return item if isinstance(item, str) else json.dumps(item)


def _json(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value
