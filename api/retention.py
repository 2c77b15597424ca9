"""How long executions are kept: a tenant's policy, holds, and purging."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.bodies import read_definition
from api.durable import Durable
from api.executions import existing, record_of
from api.parameters import IfMatch, IfNoneMatch, definition_body, rfc3339
from api.preconditions import expected_etag, only_create, quoted
from api.shapes import read_shape, request_problem
from domain.base import Shape
from domain.retention import RetentionPolicy
from services.retention import StoredPolicy
from services.wiring import services

router = APIRouter(tags=["retention"])

Batch = Annotated[int, Query(ge=1, le=500, description="Most executions to remove.")]


class HoldRequest(Shape):
    """Body of `POST /api/executions/{id}/hold`."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)] = Field(
        description="Why it must not be purged."
    )


@router.get("/api/retention", summary="Read how long executions are kept")
async def read(caller: Caller) -> Response:
    return _shown(await services().retention.policy(caller.tenant))


@router.put(
    "/api/retention",
    summary="Set how long executions are kept",
    openapi_extra=definition_body("RetentionPolicy"),
)
async def put(
    caller: Caller,
    request: Request,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    policy = read_shape(RetentionPolicy, await read_definition(request), request_problem)
    current = await services().retention.policy(caller.tenant)
    stored = await services().retention.put(
        caller.tenant,
        policy,
        caller.name,
        if_match=expected_etag(if_match, current.etag),
        create_only=only_create(if_none_match),
    )
    return _shown(stored)


@router.post("/api/retention/purge", summary="Remove the oldest executions that are due")
async def purge(caller: Caller, client: Durable, batch: Batch = 100) -> Response:
    purged = await services().purges.batch(client, caller.tenant, batch)
    return JSONResponse(purged.model_dump(mode="json"))


@router.post(
    "/api/executions/{id}/hold",
    summary="Keep an execution from being purged",
    openapi_extra=definition_body("HoldRequest"),
)
async def hold(caller: Caller, id: str, request: Request) -> Response:
    asked = read_shape(HoldRequest, await read_definition(request), request_problem)
    execution = await existing(caller, id)
    await services().retention.hold(caller.tenant, execution.id, asked.reason, caller.name)
    return JSONResponse(record_of(await existing(caller, id)))


@router.post("/api/executions/{id}/release", summary="Let an execution be purged again")
async def release(caller: Caller, id: str) -> Response:
    execution = await existing(caller, id)
    await services().retention.release(caller.tenant, execution.id)
    return JSONResponse(record_of(await existing(caller, id)))


@router.delete("/api/executions/{id}", status_code=204, summary="Remove an ended execution and all it left")
async def delete(caller: Caller, client: Durable, id: str) -> Response:
    await services().purges.one(client, caller.tenant, id)
    return Response(status_code=204)


def _shown(stored: StoredPolicy) -> Response:
    headers = {"ETag": quoted(stored.etag)} if stored.etag else {}
    updated = rfc3339(stored.updated) if stored.updated else None
    policy = stored.policy.model_dump(mode="json")
    return JSONResponse({"policy": policy, "updated": updated, "by": stored.by}, headers=headers)
