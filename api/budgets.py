"""The tenant's budgets over HTTP: kept by admins, and how each stands."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.bodies import read_definition
from api.definitions import named
from api.durable import Durable
from api.going_on import go_on
from api.parameters import IfMatch, IfNoneMatch, definition_body, rfc3339
from api.preconditions import expected_etag, only_create, quoted
from api.shapes import definition_problem, read_shape
from domain.base import NAME_PATTERN
from domain.errors import ProblemError, not_found
from domain.tenant_budgets import TenantBudget
from services.tenant_budgets import StoredBudget
from services.wiring import services

router = APIRouter(prefix="/api/budgets", tags=["budgets"])


@router.get("", summary="List the tenant's budgets, and how they stand")
async def list_budgets(caller: Caller) -> Response:
    stored = await services().tenant_budgets.all(caller.tenant)
    return JSONResponse({"items": [await _item(caller.tenant, one) for one in stored]})


@router.get("/{name}", summary="Read a budget, and how it stands")
async def read(caller: Caller, name: str) -> Response:
    return await _shown(caller.tenant, await _existing(caller.tenant, name), 200)


@router.put(
    "/{name}",
    summary="Create or change a budget; executions that waited for it go on if it has room",
    openapi_extra=definition_body("TenantBudget"),
)
async def put(
    caller: Caller,
    client: Durable,
    name: str,
    request: Request,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    budget = read_shape(TenantBudget, named(await read_definition(request), name), definition_problem)
    before = await services().tenant_budgets.get(caller.tenant, budget.name)
    stored = await services().tenant_budgets.put(
        caller.tenant,
        budget,
        caller.name,
        if_match=expected_etag(if_match, before.etag if before else None),
        create_only=only_create(if_none_match),
    )
    await go_on(services(), client, caller.tenant, caller.name)
    return await _shown(caller.tenant, stored, 200 if before else 201)


@router.delete("/{name}", summary="Delete a budget; executions that waited for it go on", status_code=204)
async def delete(caller: Caller, client: Durable, name: str, if_match: IfMatch = None) -> Response:
    expected = expected_etag(if_match, (await _existing(caller.tenant, name)).etag)
    await services().tenant_budgets.delete(caller.tenant, name, expected)
    await go_on(services(), client, caller.tenant, caller.name)
    return Response(status_code=204)


async def _existing(tenant: str, name: str) -> StoredBudget:
    """Raises `ProblemError` not_found."""
    stored = await services().tenant_budgets.get(tenant, name) if re.fullmatch(NAME_PATTERN, name) else None
    if stored is None:
        raise ProblemError(not_found("budget", name))
    return stored


async def _shown(tenant: str, stored: StoredBudget, status: int) -> Response:
    headers = {"ETag": quoted(stored.etag)}
    if status == 201:
        headers["Location"] = f"/api/budgets/{stored.budget.name}"
    return JSONResponse(await _item(tenant, stored), status, headers)


async def _item(tenant: str, stored: StoredBudget) -> dict[str, Any]:
    standing = await services().tenant_budgets.standing(tenant, stored.budget, datetime.now(UTC))
    return {
        "definition": stored.budget.model_dump(mode="json", exclude_none=True),
        "period": standing.period.name,
        "ends": rfc3339(standing.period.ends) if standing.period.ends else None,
        "spent": standing.account.spent.model_dump(mode="json"),
        "reserved": standing.account.reserved.model_dump(mode="json"),
        "updated": rfc3339(stored.updated),
        "by": stored.by,
        "etag": quoted(stored.etag),
    }
