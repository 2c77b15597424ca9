"""An execution as a bundle, put together in pieces from its record, its plan and its log."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from api.bodies import too_large
from api.parameters import rfc3339
from api.zipped import TOO_LARGE
from domain.bundles import MAX_BYTES, SCHEMA_VERSION, BundledExecution
from domain.events import Event
from domain.executions import Execution
from domain.values import Json
from services.wiring import Services

PAGE = 100
_PIECE = 65_536


async def export(services: Services, execution: Execution) -> list[bytes]:
    """The bundle's JSON, in pieces that are sent one after the other.

    Raises `ProblemError` too_large, before it holds more than a bundle may be large.
    """
    # The log first, the record after it: when the log says how it ended, so does the record.
    log = await _log(services, execution)
    record = await services.executions.get(execution.tenant, execution.id) or execution
    plan = await services.plans.load(execution.tenant, execution.plan)
    about: dict[str, Json] = {
        "schema_version": SCHEMA_VERSION,
        "exported": rfc3339(datetime.now(UTC)),
        "execution": record.model_dump(mode="json", include=set(BundledExecution.model_fields)),
        "plan": plan.model_dump(mode="json"),
    }
    begin = _compact(about).removesuffix(b"}") + b',"events":['
    _bounded(len(begin) + sum(map(len, log)))
    return [begin, *log, b"]}"]


async def _log(services: Services, execution: Execution) -> list[bytes]:
    """The events, with commas between, in pieces of some size."""
    pieces, piece, size, offset = [], bytearray(), 0, 0
    while page := await services.events.read(execution.tenant, execution.id, offset, PAGE):
        for event in page:
            line = _compact(await _whole(services, execution, event))
            size += len(line) + 1
            _bounded(size)
            piece += b"," + line
            if len(piece) >= _PIECE:
                pieces.append(bytes(piece))
                piece.clear()
        offset = page[-1].offset
    pieces.append(bytes(piece))
    return [pieces[0].removeprefix(b","), *pieces[1:]]


async def _whole(services: Services, execution: Execution, event: Event) -> dict[str, Json]:
    """The event with its payload, wherever that is kept."""
    line = event.model_dump(mode="json", exclude={"value", "artifact"}, exclude_defaults=True)
    value = await services.events.value(execution.tenant, execution.id, event)
    return line if value is None else {**line, "value": value}


def _bounded(size: int) -> None:
    if size > MAX_BYTES:
        raise too_large(f"The execution is larger than a bundle may be: {MAX_BYTES} bytes.", TOO_LARGE)


def _compact(value: Json) -> bytes:
    """Half of a surrogate pair, which no JSON in UTF-8 can hold, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
