"""The service about itself: whether it is well, who the caller is, what its shapes are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from api import VERSION
from api.auth import Caller, authenticated
from api.schemas import MODELS, schema_of
from domain.errors import ProblemError, not_found
from services.health import looked_at
from services.wiring import services

ROOT = Path(__file__).parent.parent

router = APIRouter(prefix="/api", tags=["about"])


@router.get("/health", summary="Whether the service is up, which build it is, and with which model")
async def health(
    request: Request,
    deep: Annotated[bool, Query(description="Also write to each store and read it back; this takes a token.")] = False,
) -> dict[str, Any]:
    models = services().models
    about: dict[str, Any] = {
        "status": "ok",
        "version": VERSION,
        "build": build(),
        "model": {"name": models.name, "provider": models.provider},
    }
    if deep:
        # Not for everyone: it costs writes, and says what is wrong.
        await authenticated(request, None)
        about["checks"] = {name: {"seconds": seconds} for name, seconds in (await looked_at(services())).items()}
    return about


@lru_cache
def build() -> str | None:
    """What the package says it was built from (its file `build.txt`); None: it was not packaged by a rollout."""
    try:
        return (ROOT / "build.txt").read_text("utf-8").strip() or None
    except FileNotFoundError:
        return None


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
