"""The service about itself: whether it is well, who the caller is, what its shapes are."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api import VERSION
from api.auth import Caller
from api.schemas import MODELS, schema_of
from domain.errors import ProblemError, not_found
from services.wiring import services

router = APIRouter(prefix="/api", tags=["about"])


@router.get("/health", summary="Whether the service is up, and with which model")
async def health() -> dict[str, Any]:
    models = services().models
    return {"status": "ok", "version": VERSION, "model": {"name": models.name, "provider": models.provider}}


@router.get("/me", summary="Who the caller is")
async def me(caller: Caller) -> dict[str, Any]:
    return {"tenant": caller.tenant, "principal": caller.name, "roles": caller.roles}


@router.get("/schemas/{name}", summary="JSON Schema of a definition")
async def schema(_: Caller, name: str) -> Response:
    if name not in MODELS:
        raise ProblemError(not_found("schema", name))
    return JSONResponse(schema_of(name))


@router.get("/openapi.json", summary="This interface as OpenAPI 3.1")
async def openapi(_: Caller, request: Request) -> Response:
    return JSONResponse(request.app.openapi())
