"""History events as the page gets them: whole, or with their long texts cut."""

from __future__ import annotations

import json
from typing import Any

_LONG_EVENT = 4_000  # characters; a shorter event goes out as the text it is stored as
_KEPT = 1_000


def short_event(text: str) -> str:
    """The event's JSON text; of a long one each long field is cut, and `Cut` says how long it was, in characters."""
    if len(text) <= _LONG_EVENT:
        return text
    event: dict[str, Any] = json.loads(text)
    cut = {name: len(value) for name, value in event.items() if _is_long(value)}
    return json.dumps(event | {name: _cut(event[name]) for name in cut} | {"Cut": cut})


def _is_long(value: object) -> bool:
    return isinstance(value, str) and len(value) > _KEPT


def _cut(text: str) -> str:
    """The messages of entities and HTTP calls are objects with one long member: cut there, they stay readable."""
    if text.startswith("{"):
        try:
            message = json.loads(text)
        except ValueError:
            return text[:_KEPT]
        short = json.dumps({name: value[:_KEPT] if _is_long(value) else value for name, value in message.items()})
        if len(short) <= _LONG_EVENT:
            return short
    return text[:_KEPT]
