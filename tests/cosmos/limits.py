"""What the service refuses because of its size or its shape.

https://learn.microsoft.com/azure/cosmos-db/concepts-limits
"""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from tests.cosmos.errors import CosmosError, bad_request

MOST_BYTES = 2 * 1024 * 1024
"""Of an item, and of a request."""
MOST_ID_BYTES = 1023
MOST_OPERATIONS = 100
"""Of a batch."""
MOST_PATCHES = 10
"""Operations of one patch."""
DEEPEST = 128
"""Objects and arrays in one another."""
LONGEST_LIFE = 2_147_483_647
_IN_NO_ID = frozenset("/\\?#")


def loads(content: bytes) -> Any:
    """Numbers are doubles, as the service keeps them. Raises `CosmosError` 400 for what is no JSON."""
    try:
        return json.loads(content, parse_int=_double, parse_float=_number, parse_constant=_refuse)
    except ValueError as error:
        raise bad_request("The request body is not valid JSON.") from error


def check_item(body: Any) -> None:
    """Raises `CosmosError` 400 for an item that could not be kept."""
    if not isinstance(body, dict):
        raise bad_request("An item is a JSON object.")
    check_id(body.get("id"))
    life = body.get("ttl")
    if life is not None and not _is_life(life):
        raise bad_request("The value of 'ttl' is -1 or a whole number from 1 to 2147483647.")


def check_id(id: Any) -> None:
    """The service itself refuses `/` and `\\`; with `?` and `#` clients make addresses that lead elsewhere."""
    if not isinstance(id, str) or not id:
        raise bad_request("The input content is invalid because the required properties - 'id; ' - are missing")
    if len(id.encode("utf-8", "surrogatepass")) > MOST_ID_BYTES:
        raise bad_request(f"The id is longer than {MOST_ID_BYTES} bytes.")
    if _IN_NO_ID & set(id) or id != id.rstrip(" "):
        raise bad_request("Ids have no '/', '\\', '?' or '#', and no space at their end.")


def dumped(body: dict[str, Any]) -> bytes:
    """The item as it is kept. Raises `CosmosError` 413 where it is too large, 400 where it is too deep."""
    try:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise bad_request("A text has half of a surrogate pair, which no UTF-8 can say.") from error
    if len(content) > MOST_BYTES:
        raise CosmosError(413, "Request size is too large")
    if content.count(b"{") + content.count(b"[") > DEEPEST and _depth(body) > DEEPEST:
        raise bad_request(f"The item is nested more than {DEEPEST} deep.")
    return content


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def _is_life(life: Any) -> bool:
    return isinstance(life, int) and not isinstance(life, bool) and (life == -1 or 1 <= life <= LONGEST_LIFE)


def _double(text: str) -> int:
    return int(text) if len(text) < 16 else int(float(text))


def _number(text: str) -> float:
    """Whole ones come back without a point."""
    found = float(text)
    if not isfinite(found):
        raise bad_request("A number is beyond what a double can hold.")
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def _refuse(text: str) -> Any:
    raise ValueError(text)
