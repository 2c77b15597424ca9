"""The service about itself: whether it is well, who the caller is, what its shapes are."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from api import VERSION
from api.auth import Caller
from domain.agents import Agent
from domain.errors import ProblemError, not_found
from domain.schedules import Schedule
from domain.workflows import Workflow
from services.wiring import services

router = APIRouter(prefix="/api", tags=["about"])


_MODELS: dict[str, type[BaseModel]] = {"agent": Agent, "workflow": Workflow, "schedule": Schedule}


@router.get("/health", summary="Whether the service is up, and with which model")
async def health() -> dict[str, Any]:
    models = services().models
    return {"status": "ok", "version": VERSION, "model": {"name": models.name, "provider": models.provider}}


@router.get("/me", summary="Who the caller is")
async def me(caller: Caller) -> dict[str, Any]:
    return {"tenant": caller.tenant, "principal": caller.name, "roles": caller.roles}


@router.get("/schemas/{name}", summary="JSON Schema of a definition")
async def schema(_: Caller, name: str) -> Response:
    if name not in _MODELS:
        raise ProblemError(not_found("schema", name))
    return JSONResponse(_MODELS[name].model_json_schema())


@router.get("/openapi.json", summary="This interface as OpenAPI 3.1")
async def openapi(_: Caller, request: Request) -> Response:
    return JSONResponse(request.app.openapi())
