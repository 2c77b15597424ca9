"""Raising the budget of an execution, so that it goes on: who did it and to what stays in its log."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from decimal import Decimal

from fastapi import APIRouter, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from api.auth import Caller
from api.bodies import read_json
from api.controlling import resume_execution
from api.durable import Durable, DurableClient
from api.executions import existing, shown
from api.parameters import json_body
from api.shapes import read_shape, request_problem
from domain.base import Shape
from domain.calls import Cap
from domain.errors import Detail, ProblemError
from domain.events import Draft, EventType
from domain.executions import Execution, Status
from domain.policies import Amounts, Budget
from services.wiring import Services, services

router = APIRouter(prefix="/api/executions", tags=["executions"])


class RaiseRequest(Shape):
    """Body of `POST /api/executions/{id}/budget`: the new caps of one budget."""

    path: str = Field(default="", max_length=1_000, description="Of the step; empty: the execution's own limits.")
    cost_usd: Decimal | None = Field(default=None, gt=0, description="US dollars in all.")
    tokens: int | None = Field(default=None, ge=1, description="Tokens in all.")
    model_calls: int | None = Field(default=None, ge=1, description="Model calls in all.")
    resume: bool = Field(default=True, description="Go on, if a budget has paused it.")

    @model_validator(mode="after")
    def _raises_something(self) -> RaiseRequest:
        if self.amounts.is_empty:
            raise ValueError("at least one of `cost_usd`, `tokens` and `model_calls` is needed")
        return self

    @property
    def amounts(self) -> Amounts:
        return Amounts(cost_usd=self.cost_usd, tokens=self.tokens, model_calls=self.model_calls)


@router.post(
    "/{id}/budget",
    summary="Raise a budget, and go on if one has paused the execution",
    openapi_extra=json_body("RaiseRequest"),
)
async def raise_budget(caller: Caller, client: Durable, id: str, request: Request) -> Response:
    """The caps that are given replace the budget's own, and can only be higher; repeated, it changes nothing."""
    asked = read_shape(RaiseRequest, await read_json(request), request_problem)
    execution = await existing(caller, id)
    return shown(await raise_and_go_on(services(), client, execution, asked, caller.name), 200)


async def raise_and_go_on(
    services: Services, client: DurableClient, execution: Execution, asked: RaiseRequest, by: str
) -> Execution:
    """The execution, running if only a budget kept it. Raises `ProblemError` conflict, invalid_request."""
    tenant, id = execution.tenant, execution.id
    cap = await _cap(services, execution, asked.path)
    amounts = asked.amounts.model_dump(mode="json", exclude_none=True)
    said = Draft(
        id=f"{EventType.BUDGET_RAISED}:{secrets.token_hex(8)}",
        type=EventType.BUDGET_RAISED,
        time=datetime.now(UTC),
        data={"by": by, "path": asked.path, "to": amounts},
    )
    try:
        events = await services.budgets.raise_to(tenant, id, cap, asked.amounts, said)
    except ValueError as error:
        name, _, message = str(error).partition(": ")
        raise ProblemError(request_problem((Detail(pointer=f"/{name}", message=message),))) from error
    services.realtime.publish_events(tenant, id, events)
    # Read after it was raised: one that pauses at this moment looks at the budget once more when it has.
    record = await services.executions.get(tenant, id) or execution
    if asked.resume and record.status is Status.PAUSED and record.paused_for is not None:
        return await resume_execution(services, client, record, by)
    return record


async def _cap(services: Services, execution: Execution, path: str) -> Cap:
    """The budget as it was defined. Raises `ProblemError` invalid_request."""
    known: dict[str, Budget] = dict((await services.budgets.known(execution.tenant, execution.id)).caps)
    limits = (await services.plans.load(execution.tenant, execution.plan)).workflow.limits
    if not limits.is_empty:
        known.setdefault("", limits)
    if path not in known:
        named = ", ".join(f"`{one}`" if one else "the empty path" for one in sorted(known)) or "none so far"
        message = f"no call has met a budget at this path; those with budgets: {named}"
        raise ProblemError(request_problem((Detail(pointer="/path", message=message),)))
    return Cap(path=path, budget=known[path])
