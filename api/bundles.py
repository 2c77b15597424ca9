"""Taking an execution from one deployment to another, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from api.auth import Caller
from api.bodies import JSON_TYPES, Unreadable, media_type_of, read_bytes
from api.executions import existing, shown
from api.exporting import export
from api.importing import import_bundle
from api.parameters import IdempotencyKey
from api.zipped import MEDIA_TYPE, TOO_LARGE, zipped
from domain.bundles import MAX_BYTES
from services.wiring import services

router = APIRouter(prefix="/api/executions", tags=["executions"])

_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/Bundle"}},
        MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
    },
}

Format = Annotated[Literal["json", "zip"], Query(description="`zip` holds the same document, deflated.")]


@router.get("/{id}/bundle", summary="Export an execution", responses={200: {"content": {MEDIA_TYPE: {}}}})
async def export_one(caller: Caller, id: str, format: Format = "json") -> Response:
    execution = await existing(caller, id)
    pieces = await export(services(), execution)
    media_type = "application/json"
    if format == "zip":
        pieces, media_type = [await asyncio.to_thread(zipped, pieces)], MEDIA_TYPE
    headers = {
        "Content-Disposition": f'attachment; filename="execution-{id}.{format}"',
        "Content-Length": str(sum(map(len, pieces))),
    }
    return StreamingResponse(_each(pieces), headers=headers, media_type=media_type)


@router.post("/import", status_code=201, summary="Import an exported execution", openapi_extra={"requestBody": _BODY})
async def import_one(caller: Caller, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    media_type = media_type_of(request)
    if media_type not in {*JSON_TYPES, MEDIA_TYPE}:
        raise Unreadable(f"A bundle is JSON or a zip: send `Content-Type: application/json` or `{MEDIA_TYPE}`.")
    content = await read_bytes(request, MAX_BYTES, TOO_LARGE)
    execution, is_new = await import_bundle(services(), caller, content, media_type == MEDIA_TYPE, idempotency_key)
    return shown(execution, 201 if is_new else 200)


async def _each(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
