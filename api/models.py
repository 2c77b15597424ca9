"""The models of this deployment over HTTP: all may read them, an admin may store others."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.bodies import read_definition
from api.parameters import IfMatch, IfNoneMatch, definition_body, rfc3339
from api.preconditions import expected_etag, only_create, quoted
from api.shapes import definition_problem, read_shape, request_problem
from domain.base import NAME_PATTERN
from domain.errors import Detail, ProblemError, not_found
from domain.models import ModelAlias
from domain.values import Json
from services.models.registry import Known
from services.problems import conflict
from services.wiring import services

router = APIRouter(prefix="/api/models", tags=["models"])


@router.get("", summary="List the models that agents may name")
async def list_models(_: Caller) -> Response:
    known = await services().model_registry.known()
    items = [await _item(found) for _, found in sorted(known.items())]
    return JSONResponse({"items": items})


@router.get("/{alias}", summary="Read what a model alias stands for")
async def read(_: Caller, alias: str) -> Response:
    return await _shown(await _existing(alias))


@router.put(
    "/{alias}",
    summary="Store a model alias for the whole deployment",
    openapi_extra=definition_body("ModelAlias"),
)
async def put(
    caller: Caller, alias: str, request: Request, if_match: IfMatch = None, if_none_match: IfNoneMatch = None
) -> Response:
    if not re.fullmatch(NAME_PATTERN, alias):
        message = "should be lower-case letters, digits and hyphens, at most 63 of them, the first one no hyphen"
        raise ProblemError(request_problem((Detail(pointer="/path/alias", message=message),)))
    entry = read_shape(ModelAlias, await read_definition(request), definition_problem)
    existing = await services().model_registry.get(alias)
    stored = existing.etag if existing else None
    known = await services().model_registry.put(
        alias,
        entry,
        caller.name,
        if_match=expected_etag(if_match, stored),
        create_only=only_create(if_none_match),
    )
    return await _shown(known, 201 if stored is None else 200)


@router.delete("/{alias}", status_code=204, summary="Take a stored model alias away")
async def delete(caller: Caller, alias: str, if_match: IfMatch = None) -> Response:
    existing = await _existing(alias)
    if existing.etag is None:
        where = "models file" if existing.source == "file" else "settings"
        raise conflict(
            f"Model `{alias}` is not stored: the {where} of this deployment give it.",
            "Change it there, or store another in its place.",
        )
    await services().model_registry.delete(alias, expected_etag(if_match, existing.etag))
    return Response(status_code=204)


async def _existing(alias: str) -> Known:
    known = await services().model_registry.get(alias)
    if known is None:
        raise ProblemError(not_found("model", alias))
    return known


async def _shown(known: Known, status: int = 200) -> Response:
    headers = {"ETag": quoted(known.etag)} if known.etag else {}
    if status == 201:
        headers["Location"] = f"/api/models/{known.alias}"
    return JSONResponse(await _item(known), status, headers)


async def _item(known: Known) -> dict[str, Json]:
    entry: dict[str, Any] = known.entry.model_dump(mode="json", exclude_defaults=True)
    # The first look into the list of prices takes a tenth of a second.
    price = await asyncio.to_thread(services().models.price, known.alias)
    _, window = await services().model_registry.window(known.alias)
    found: dict[str, Json] = {
        "alias": known.alias,
        "source": known.source,
        "model": entry,
        "context_window": window,
        "price": price and {**price.prices.model_dump(mode="json"), "source": price.source},
        "updated": rfc3339(known.updated) if known.updated else None,
        "by": known.by,
    }
    if mistakes := services().model_registry.mistakes(known.alias):
        found["mistakes"] = [mistake.model_dump(mode="json") for mistake in mistakes]
    return found
