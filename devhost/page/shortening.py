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
    cut = {name: len(value) for name, value in event.items() if isinstance(value, str) and len(value) > _KEPT}
    return json.dumps(event | {name: event[name][:_KEPT] for name in cut} | {"Cut": cut})
