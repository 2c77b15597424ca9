"""What a request to the durable HTTP API says: its body as JSON text, its query as engine arguments."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request

from devhost.ports import InstanceQuery

CONTINUATION_HEADER = "x-ms-continuation-token"


async def body_json(request: Request) -> str | None:
    """The body as JSON text exactly as sent, None when empty. Raises 400 when it is not JSON."""
    text = (await request.body()).decode("utf-8", "strict").strip()
    if not text:
        return None
    try:
        json.loads(text)
    except ValueError as error:
        raise HTTPException(400, f"The request content is not JSON: {error}.") from error
    return text


def sdk_input(text: str | None, *, objects_pass: bool) -> str | None:
    """What a client of the SDK would have sent for this body: a JSON string that holds JSON text.

    The SDK decodes an input twice, so a bare value from a caller that is not the SDK is wrapped once more.
    `objects_pass` leaves a JSON object alone, which the SDK copes with for orchestrations.
    """
    if text is None:
        return None
    value = json.loads(text)
    if (objects_pass and isinstance(value, dict)) or _holds_json(value):
        return text
    return json.dumps(text)


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    """A boolean of the query; the SDK writes Python's `True`."""
    value = request.query_params.get(name)
    return default if value is None else value.lower() == "true"


def number(request: Request, name: str, default: float) -> float:
    """A number of the query. Raises 400 when it is none."""
    try:
        return float(request.query_params.get(name, default))
    except ValueError:
        raise HTTPException(400, f"'{name}' must be a number.") from None


def instance_query(request: Request) -> InstanceQuery:
    """The filter of a list or purge. Raises 400 for a date or number that cannot be read."""
    statuses = request.query_params.get("runtimeStatus", "")
    return InstanceQuery(
        created_from=_moment(request, "createdTimeFrom"),
        created_to=_moment(request, "createdTimeTo"),
        statuses=frozenset(part.strip() for part in statuses.split(",") if part.strip()),
        id_prefix=request.query_params.get("instanceIdPrefix", ""),
        top=max(1, int(number(request, "top", 100))),
        continuation=request.headers.get(CONTINUATION_HEADER) or None,
    )


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, f"'{name}' must be an ISO 8601 time.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _holds_json(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
